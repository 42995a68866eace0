// The passage that a rater means: text that is selected in the rated answer. See pages/widgets/rating/rating_form.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.passage{font:400 .8667rem/1.5 var(--st-font);color:var(--st-text-color);overflow-wrap:anywhere}
.name{margin-bottom:.25rem} .line{min-height:2rem;display:flex;align-items:center;flex-wrap:wrap;gap:.125rem .5rem}
.hint{color:var(--st-gray-text-color)} q{quotes:"\\201c" "\\201d";display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
button{all:unset;box-sizing:border-box;cursor:pointer;color:var(--st-link-color);border-radius:.25rem;min-height:1.5rem;max-width:100%} button:hover{text-decoration:underline}
button:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
@media (pointer:coarse){button{min-height:2.5rem;display:inline-flex;align-items:center}}
`);
const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
const squeezed = text => text.replace(/\s+/g, ' ').trim();
let open = null;                // {root, labels, say, selected}: the form that is on the page
let watch = 0;

export function passage({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.passage'), scope = root.getRootNode();
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  const is_new = open?.root !== root;
  open = {root, labels: data[0], say: passage => setTriggerValue('event', {passage}), selected: is_new ? '' : open.selected};
  draw();
  if (is_new) arrive();
  clearInterval(watch);
  watch = setInterval(() => { if (!root.isConnected) { clearInterval(watch); open = null; CSS.highlights?.delete('passage'); } }, 300);
}

// The form comes out from under the composer. Who pressed the thumb by keyboard goes on in the form.
function arrive() {
  requestAnimationFrame(() => {
    const form = document.querySelector('.st-key-rateform');
    form?.scrollIntoView({block: 'nearest'});
    const held = document.activeElement;
    if (!held || held === document.body || held.closest('.st-key-transcript')) form?.querySelector('.stButtonGroup button')?.focus({preventScroll: true});
  });
}

function draw() {
  const {root, labels: L, selected, say} = open;
  const line = el('div', {className: 'line'});
  if (selected && selected !== L.passage) {
    const [before, after] = L.mark.split('…');
    const shown = selected.length > 60 ? selected.slice(0, 60) + '…' : selected;
    const button = el('button', {}, before, '\u201c' + shown + '\u201d', after);
    button.onmousedown = event => event.preventDefault();       // the selection stays
    button.onclick = () => { open.selected = ''; say(selected); };
    line.append(button);
  } else if (L.passage) {
    line.append(el('q', {textContent: L.passage}), el('button', {textContent: L.remove, onclick: () => say('')}));
  } else line.append(el('span', {className: 'hint', textContent: L.hint}));
  root.replaceChildren(el('div', {className: 'name', textContent: L.name}), line);
  show(L.passage);
}

// The rated answer lies between the last two seams before the form
function bounds() {
  const form = document.querySelector('.st-key-rateform');
  const seams = [...document.querySelectorAll('.st-key-transcript [class*="st-key-seam-"]')];
  return form ? seams.filter(seam => seam.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING).slice(-2) : [];
}

function look() {
  if (!open?.root.isConnected) return;
  const chosen = getSelection(), [start, end] = bounds();
  let text = '';
  if (end && chosen.rangeCount && !chosen.isCollapsed) {
    const range = chosen.getRangeAt(0);
    const inside = start.compareDocumentPosition(range.startContainer) & Node.DOCUMENT_POSITION_FOLLOWING
      && end.compareDocumentPosition(range.endContainer) & Node.DOCUMENT_POSITION_PRECEDING;
    if (inside) text = squeezed(chosen.toString());
  }
  if (text.length > open.labels.most) text = '';
  if (text !== open.selected && (text || !open.root.getRootNode().activeElement)) { open.selected = text; draw(); }
}
let soon = 0;
document.addEventListener('selectionchange', () => { clearTimeout(soon); soon = setTimeout(look, 150); });

// Mark the passage in the answer, without a change of the page
function show(passage) {
  if (!CSS.highlights) return;
  const range = passage && found(passage.replace(/\s+/g, ''));
  if (range) CSS.highlights.set('passage', new Highlight(range)); else CSS.highlights.delete('passage');
}

function found(letters) {
  const [start, end] = bounds();
  if (!end) return null;
  const walker = document.createTreeWalker(document.querySelector('.st-key-transcript'), NodeFilter.SHOW_TEXT), spots = [];
  let text = '';
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!(start.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
    if (!(end.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING)) break;
    for (let at = 0; at < node.data.length; at++) if (node.data[at].trim()) { text += node.data[at]; spots.push([node, at]); }
  }
  const at = text.indexOf(letters);
  if (at < 0) return null;
  const range = document.createRange(), last = spots[at + letters.length - 1];
  range.setStart(...spots[at]); range.setEnd(last[0], last[1] + 1);
  return range;
}
