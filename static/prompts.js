// The "/" menu of the composer: it lists prompts, inserts one, and Tab goes from blank to blank. See pages/widgets/context/prompt_menu.py.
// Everything that people wrote goes through textContent: it can show nothing but itself.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.menu{font:400 1rem/1.4 var(--st-font);color:var(--st-text-color);padding:.375rem;border-radius:.75rem;border:1px solid var(--st-border-color);
 background:var(--st-background-color);max-height:min(18rem,40vh);overflow:auto;margin-bottom:.5rem} .menu[hidden]{display:none}
.row{display:flex;align-items:baseline;gap:.75rem;padding:.4375rem .625rem;border-radius:.5rem;cursor:pointer;white-space:nowrap;min-width:0}
.row b{font-weight:500;overflow:hidden;text-overflow:ellipsis;flex:none;max-width:60%} .row span{color:var(--st-gray-text-color);overflow:hidden;text-overflow:ellipsis;flex:1;min-width:0}
.row small{margin-left:auto;font-size:.8667rem;color:var(--st-gray-text-color);flex:none;max-width:30%;overflow:hidden;text-overflow:ellipsis}
.row:hover{background:color-mix(in srgb,currentColor 5%,transparent)} .row[aria-selected=true]{background:color-mix(in srgb,currentColor 9%,transparent)}
.none{padding:.4375rem .625rem;color:var(--st-gray-text-color)}
@media (pointer:coarse){.row{padding-block:.625rem}}
@media (max-width:640px){.row span{display:none}}
`);
const BLANK = /\{\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}\}|\[([^\[\]\n]{1,60})\](?!\()/g;   // as core/prompts/blanks.py
const FIELD = '.st-key-composer textarea';
const MAX_ROWS = 40;             // rows drawn at once
const PATIENCE_MS = 10_000;
let menu = null;                // the one of this page: {root, data, labels, at, rows, inserted}

export function promptMenu({data, parentElement}) {
  const root = parentElement.querySelector('.menu'), sheets = root.getRootNode();
  if (!sheets.adoptedStyleSheets.includes(SHEET)) sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, SHEET];
  if (!menu) {
    document.addEventListener('input', onInput, true);
    document.addEventListener('keydown', onKey, true);
    document.addEventListener('focusout', event => { if (event.target.matches?.(FIELD)) shut(); }, true);
  }
  if (menu?.root !== root) {
    menu = {root, rows: [], at: -1, inserted: ''};
    root.onpointerdown = event => event.preventDefault();          // the field keeps the focus
  }
  Object.assign(menu, {prompts: data[0], labels: data[1]});
  root.setAttribute('aria-label', menu.labels.list);
  const [insert, nonce] = data[2];
  if (nonce && nonce !== sessionStorage.getItem('prompt-inserted')) {   // a starter with blanks: into the field instead of asked
    sessionStorage.setItem('prompt-inserted', nonce);
    putIntoField(insert, performance.now() + PATIENCE_MS);
  }
  const typed = document.activeElement;
  if (root.hidden && typed?.matches?.(FIELD) && typed.value.startsWith('/')) offer(typed);   // typed before this script was here
  return () => { if (menu?.root === root && !root.isConnected) menu.rows = []; };
}

const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
const open = () => menu && menu.root.isConnected && !menu.root.hidden;

function onInput(event) {
  if (menu?.root.isConnected && event.target.matches?.(FIELD) && !event.isComposing) offer(event.target);
}

function offer(field) {
  const text = field.value;
  if (text.startsWith('/') && !text.includes('\n') && menu.prompts.length) { menu.at = 0; draw(field, text.slice(1)); } else shut();
}

function draw(field, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  menu.rows = menu.prompts.filter(each => words.every(word => each.join('\n').toLowerCase().includes(word))).slice(0, MAX_ROWS);
  const rows = menu.rows.map(([title, owner, text], n) => {
    const row = el('div', {className: 'row', id: 'prompt-' + n}, el('b', {textContent: title}), el('span', {textContent: text.replace(/\s+/g, ' ').slice(0, 160)}),
      el('small', {textContent: owner}));
    row.setAttribute('role', 'option');
    row.setAttribute('aria-selected', String(n === menu.at));
    row.onclick = () => put(field, text);
    return row;
  });
  menu.root.replaceChildren(...(rows.length ? rows : [el('div', {className: 'none', textContent: menu.labels.none})]));
  menu.root.hidden = false;
  field.setAttribute('aria-expanded', 'true');
  menu.root.querySelector('[aria-selected=true]')?.scrollIntoView({block: 'nearest'});
}

function shut() {
  if (!menu || menu.root.hidden) return;
  menu.root.hidden = true;
  document.querySelector(FIELD)?.removeAttribute('aria-expanded');
}

function onKey(event) {
  if (!menu?.root.isConnected || !event.target.matches?.(FIELD) || event.isComposing) return;
  const field = event.target, take = () => { event.preventDefault(); event.stopPropagation(); };
  if (open()) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step && menu.rows.length) { take(); menu.at = (menu.at + step + menu.rows.length) % menu.rows.length; draw(field, field.value.slice(1)); }
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey && menu.rows[menu.at]) { take(); put(field, menu.rows[menu.at][2]); }
    else if (event.key === 'Escape') { take(); shut(); }
  } else if (event.key === 'Tab' && !event.ctrlKey && !event.altKey && menu.inserted) {
    const found = next(field, event.shiftKey);                      // only in an inserted prompt, else Tab leaves the field as everywhere
    if (found) { take(); choose(field, found); } else menu.inserted = '';
  }
}

// From another page the text is here before the composer is.
function putIntoField(text, until) {
  const field = document.querySelector(FIELD);
  if (field && !field.disabled) put(field, text);
  else if (performance.now() < until) setTimeout(putIntoField, 50, text, until);
}

function put(field, text) {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(field, text);
  shut();
  field.dispatchEvent(new Event('input', {bubbles: true}));
  menu.inserted = text;
  field.focus();
  field.setSelectionRange(0, 0);
  const first = next(field, false);
  if (first) choose(field, first); else field.setSelectionRange(text.length, text.length);
}

const choose = (field, [start, end]) => { field.setSelectionRange(start, end); field.blur(); field.focus(); };   // blur: scrolls the choice into view

function next(field, back) {
  const places = [...field.value.matchAll(BLANK)].map(found => [found.index, found.index + found[0].length]);
  const {selectionStart: from, selectionEnd: to} = field;
  if (back) return places.filter(([, end]) => end <= from).at(-1);
  return places.find(([start]) => start >= to && !(start === from && to > from)) || (from === to ? places.find(([start]) => start >= from) : undefined);
}
