// Search inside the open chat: its field, and the marks on the words that were found. See pages/widgets/chat/flow/find_in_chat.py.

const NAME = 'portal-find';
const SHEET = new CSSStyleSheet(), MARKS = new CSSStyleSheet();
MARKS.replaceSync(`::highlight(${NAME}){background-color:color-mix(in srgb,#e0a100 45%,transparent);color:inherit}`);
SHEET.replaceSync(`
.find{display:flex;align-items:center;gap:.125rem;box-sizing:border-box;height:2.375rem;padding:0 .25rem 0 .75rem;border-radius:.75rem;
 font:400 .9333rem/1.4 var(--st-font);color:var(--st-text-color);border:1px solid var(--st-border-color);background:var(--st-background-color)}
.find:focus-within{border-color:var(--st-link-color)}
i{font:400 1.2rem/1 'Material Symbols Rounded';font-feature-settings:'liga'} .find > i{color:var(--st-gray-text-color)}
input{all:unset;flex:1;min-width:0;padding-left:.5rem;font:inherit} input::placeholder{color:var(--st-gray-text-color)}
input::-webkit-search-cancel-button{display:none}
output{padding:0 .375rem;font-size:.8667rem;white-space:nowrap;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums}
button{all:unset;box-sizing:border-box;cursor:pointer;display:grid;place-items:center;width:2rem;height:2rem;border-radius:.5rem;color:var(--st-gray-text-color)}
button:hover{background:var(--st-secondary-background-color);color:var(--st-text-color)} button:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
button[disabled]{opacity:.4;cursor:default}
@media (pointer:coarse){.find{height:2.75rem} button{width:2.5rem;height:2.5rem}}
`);
const WATCH_MS = 300, MOST_RANGES = 2000;
const bars = new WeakMap();     // root -> state
let watch = 0;

const wear = (root, sheet) => { if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]; };

export function findBar({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.find');
  wear(root.getRootNode(), SHEET);
  let state = bars.get(root);
  if (!state) { state = build(root); bars.set(root, state); }
  const [{words, text, hits, marks, most}, L] = data;
  Object.assign(state, {marks, say: event => setTriggerValue('event', event)});
  const {input, output} = state;
  input.maxLength = most;
  name(input, L.field); input.placeholder = L.field;
  output.textContent = text;
  for (const each of ['previous', 'next', 'close']) name(state[each], L[each]);
  state.previous.disabled = state.next.disabled = !hits;
  if (state.words !== words) { state.words = words; if (!input.value.trim()) input.value = words; }
  if (!state.met) { state.met = true; requestAnimationFrame(() => { input.focus(); input.select(); }); }
  // The transcript may be drawn after this, and again: earlier messages, other versions, an answer that grows.
  clearInterval(watch);
  const look = () => { if (root.isConnected) mark(state.marks); else { clearInterval(watch); mark([]); } };
  watch = setInterval(look, WATCH_MS);
  look();
}

const name = (each, label) => { each.title = label; each.setAttribute('aria-label', label); };

function icon(sign) {
  const made = Object.assign(document.createElement('i'), {textContent: sign, translate: false});
  made.setAttribute('aria-hidden', 'true');
  return made;
}

function build(root) {
  const input = Object.assign(document.createElement('input'), {type: 'search', autocomplete: 'off', spellcheck: false, enterKeyHint: 'search'});
  const output = document.createElement('output');
  const state = {input, output, words: null};
  const button = (sign, act) => { const made = document.createElement('button'); made.type = 'button'; made.append(icon(sign)); made.onclick = act; return made; };
  const go = back => state.say({kind: 'find', text: input.value, back});
  const close = () => state.say({kind: 'find close'});
  state.previous = button('keyboard_arrow_up', () => go(true));
  state.next = button('keyboard_arrow_down', () => go(false));
  state.close = button('close', close);
  input.onkeydown = event => {
    if (event.isComposing) return;                       // the keys belong to the Chinese input method
    if (event.key === 'Enter') { event.preventDefault(); go(event.shiftKey); }
    else if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); close(); }
  };
  root.append(icon('search'), input, output, state.previous, state.next, state.close);
  return state;
}

// The marks. They are the browser's own highlights: nothing in the page changes, so that drawing it again disturbs nothing.

let last = '';

function mark(marks) {
  if (!globalThis.Highlight) return;
  const box = marks.length && document.querySelector('.st-key-transcript');
  if (!box) { if (last) { CSS.highlights.delete(NAME); last = ''; } return; }
  const texts = textsBelow(box), shape = marks.join('\n') + '\n' + texts.map(each => each.data.length).join();
  if (shape === last && texts.every((each, n) => each === seen[n])) return;
  last = shape; seen = texts;
  const pattern = new RegExp(marks.map(each => bounded(each)).join('|'), 'giu');
  const ranges = [];
  for (const node of texts) {
    for (const found of node.data.matchAll(pattern)) {
      if (ranges.length >= MOST_RANGES) break;
      const range = new StaticRange({startContainer: node, startOffset: found.index, endContainer: node, endOffset: found.index + found[0].length});
      ranges.push(range);
      wear(node.getRootNode(), MARKS);
    }
  }
  CSS.highlights.set(NAME, new Highlight(...ranges));
}

let seen = [];
const LETTER = /^[\p{L}\p{N}_]/u, CJK = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]|[\ud840-\ud8bf]/;

function bounded(word) {
  const text = word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return LETTER.test(word) && !CJK.test(word) ? `(?<![\\p{L}\\p{N}_])${text}(?![\\p{L}\\p{N}_])` : text;
}

function textsBelow(root, found = []) {
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, each =>
    /^(STYLE|SCRIPT|BUTTON|I)$/.test(each.tagName ?? '') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  for (let each = walk.nextNode(); each; each = walk.nextNode()) {
    if (each.nodeType === Node.TEXT_NODE) { if (each.data.trim()) found.push(each); }
    else if (each.shadowRoot) textsBelow(each.shadowRoot, found);
  }
  return found;
}
