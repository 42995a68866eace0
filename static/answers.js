// Tables in answers can be sorted, copied and saved as CSV; blocks of code say their language and are copied. See pages/widgets/chat/flow/answer_tools.py.
// It works on what the page has drawn already, so nothing of a model's text is read a second time.

const DONE = new WeakSet();
const FONTS = ["1em 'JetBrains Mono'", 'italic 1em KaTeX_Math', ...['Main', 'Size1', 'Size2', 'Size3', 'Size4'].map(name => `1em KaTeX_${name}`)];

export function answerTools({data}) {
  const labels = data[0];
  loadFonts();
  const look = () => {
    document.querySelectorAll('.tabletools').forEach(bar => { if (!DONE.has(bar.previousElementSibling)) bar.remove(); });     // its table was drawn anew
    document.querySelectorAll('.st-key-transcript table, [class*="st-key-sidebyside"] table').forEach(table => { if (!DONE.has(table)) dress(table, labels); });
  };
  const blocks = () => document.querySelectorAll('.st-key-transcript .stCode, [class*="st-key-sidebyside"] .stCode').forEach(block => {
    const code = block.querySelector('code'), name = /language-([\w+#-]+)/.exec(code?.className)?.[1];
    if (name && name !== 'text' && name !== 'none') block.dataset.language = name === 'mermaidsource' ? 'mermaid' : name;
    if (!code || block.querySelector('.codecopy')) return;
    const copies = button(labels.copy, async self => { await copy(code.textContent); told(self, labels); });
    copies.className = 'codecopy';
    block.append(copies);
  });
  look(); blocks(); citations();
  // At once, before the change is painted: tools that came later would push down what follows their table.
  const watcher = new MutationObserver(() => { look(); blocks(); citations(); });
  const page = document.querySelector('.stMain') ?? document.body;
  watcher.observe(page, {childList: true, subtree: true});
  return () => watcher.disconnect();
}

// A citation opens the page of its source, as the row of the source below the answer does.
function citations() {
  document.querySelectorAll('.st-key-transcript [class*="st-key-sources-"]').forEach(list => {
    const before = (list.closest('[data-testid="stLayoutWrapper"]') ?? list).previousElementSibling;
    const answer = before?.querySelector('.stMarkdownBadge') ? before : before?.previousElementSibling;
    const row = mark => list.querySelectorAll('button')[mark.textContent.trim() - 1];
    answer?.querySelectorAll('.stMarkdownBadge').forEach(mark => {
      if (mark.onclick || !row(mark)) return;
      mark.tabIndex = 0; mark.setAttribute('role', 'button'); mark.title = row(mark).innerText.trim(); mark.classList.add('citation');
      mark.onclick = () => row(mark)?.click();
      mark.onkeydown = event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); mark.onclick(); } };
    });
  });
}

// Code or a formula whose fonts come after it is drawn twice, and moves. A browser loads them once.
function loadFonts() {
  const load = () => FONTS.forEach(each => document.fonts.load(each).catch(() => {}));
  (window.requestIdleCallback ?? setTimeout)(load);
}

function dress(table, L) {
  const heads = [...table.querySelectorAll('thead th')], body = table.tBodies[0];
  if (!heads.length || !body || body.rows.length < 2 || growing(table)) return;
  DONE.add(table);
  heads.forEach((head, column) => {
    head.tabIndex = 0; head.setAttribute('role', 'button'); head.title = L.sort; head.classList.add('sortable');
    const act = () => sort(table, heads, column);
    head.onclick = act;
    head.onkeydown = event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); act(); } };
  });
  const bar = document.createElement('div');
  bar.className = 'tabletools';
  bar.append(button(L.copy, async self => { await copy(csv(table, '\t')); told(self, L); }),
    button('CSV', () => save(csv(table, ','), L.file)));
  table.after(bar);
}

// A table that ends a running answer may get more rows, which would push its tools down. What follows it comes together with them.
function growing(table) {
  const element = table.closest('[data-testid="stElementContainer"]');
  for (let each = table; each && each !== element; each = each.parentElement) if (each.nextElementSibling) return false;
  return !!element?.closest('.st-key-transcript') && !element.nextElementSibling;
}

function button(words, act) {
  const made = Object.assign(document.createElement('button'), {type: 'button', textContent: words});
  made.onclick = () => act(made);
  return made;
}

const told = (self, L) => { self.textContent = L.copied; setTimeout(() => { self.textContent = L.copy; }, 1400); };

const words = cell => cell?.innerText.trim() ?? '';
// 1,234.5 and 12 % and -3 are numbers; anything else is text.
const number = text => /^[-+−]?[\d.,\s]*\d\s*%?$/.test(text) ? Number(text.replace(/[,\s%]/g, '').replace('−', '-')) : NaN;

function sort(table, heads, column) {
  const body = table.tBodies[0], rows = [...body.rows], down = heads[column].getAttribute('aria-sort') === 'ascending';
  const last = rows.filter(row => /^(total|sum|合计|总计)/i.test(words(row.cells[0])));
  const others = rows.filter(row => !last.includes(row));
  const key = row => { const text = words(row.cells[column]), value = number(text); return Number.isNaN(value) ? text : value; };
  others.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), undefined, {numeric: true});
    return down ? -order : order;
  });
  heads.forEach((head, at) => at === column ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'));
  body.append(...others, ...last);
}

// A cell that begins like a formula would be one in a spreadsheet: a quotation mark before it keeps it text.
const cell = (text, sign) => {
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(number(text)) ? `'${text}` : text;
  return sign === ',' && /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe.replaceAll('\t', ' ');
};
const csv = (table, sign) => [...table.rows].map(row => [...row.cells].map(each => cell(words(each), sign)).join(sign)).join('\r\n');

function save(text, name) {
  const address = URL.createObjectURL(new Blob(['\ufeff' + text], {type: 'text/csv'}));
  const link = Object.assign(document.createElement('a'), {href: address, download: name});
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); }
  catch {                                       // without HTTPS there is no clipboard
    const area = Object.assign(document.createElement('textarea'), {value: text});
    document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
  }
}
