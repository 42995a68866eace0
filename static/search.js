// The search page: its field with suggestions, and what was found. See pages/widgets/search_field.py and found.py.
// Everything people and models wrote goes through textContent: it can show nothing but itself.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.search,.found{font:400 1rem/1.5 var(--st-font);color:var(--st-text-color)}
.search{position:relative}
i{font:400 1.2rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
button{all:unset;box-sizing:border-box;cursor:pointer}
a:focus-visible,button:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
.box{display:flex;align-items:center;gap:.625rem;height:2.875rem;padding:0 .5rem 0 .875rem;border-radius:.75rem;border:1px solid var(--st-border-color);
 background:var(--st-background-color)}
.box:focus-within{border-color:var(--st-link-color)} .box > i{color:var(--st-gray-text-color)}
input{all:unset;flex:1;min-width:0;font:inherit} input::placeholder{color:var(--st-gray-text-color)}
input::-webkit-search-cancel-button{display:none}
.clear{display:grid;place-items:center;width:2rem;height:2rem;border-radius:.5rem;color:var(--st-gray-text-color)} .clear:hover{background:var(--st-secondary-background-color)}
.clear[hidden]{display:none}
.offers{position:absolute;left:0;right:0;top:calc(100% + .25rem);z-index:5;padding:.375rem;border-radius:.75rem;border:1px solid var(--st-border-color);
 background:var(--st-background-color);max-height:24rem;overflow:auto} .offers[hidden]{display:none}
.name{display:flex;justify-content:space-between;padding:.375rem .625rem .25rem;font-size:.8667rem;color:var(--st-gray-text-color)}
.name button{padding:0 .375rem;border-radius:.25rem} .name button:hover{color:var(--st-text-color)}
.offer{display:flex;align-items:center;gap:.625rem;padding:.4375rem .625rem;border-radius:.5rem;cursor:pointer;white-space:nowrap}
.offer i{color:var(--st-gray-text-color)} .offer span{overflow:hidden;text-overflow:ellipsis}
.offer small{margin-left:auto;font-size:.8667rem;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums}
.offer:hover{background:color-mix(in srgb,currentColor 5%,transparent)} .offer[aria-selected=true]{background:color-mix(in srgb,currentColor 9%,transparent)}

.group{padding:.5rem 0} .group + .group{border-top:1px solid color-mix(in srgb,currentColor 10%,transparent)}
a{display:block;color:inherit;text-decoration:none;padding:.375rem .625rem;margin:0 -.625rem;border-radius:.5rem}
a:hover{background:color-mix(in srgb,currentColor 5%,transparent)}
.title{display:flex;align-items:baseline;justify-content:space-between;gap:1rem;font-weight:500} .title .text{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.facts{display:flex;flex-wrap:wrap;gap:0 .375rem;font-size:.8667rem;font-weight:400;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums;white-space:nowrap}
.facts i{font-size:1rem;line-height:1.3} .model{overflow:hidden;text-overflow:ellipsis;max-width:18rem}
.files{display:inline-flex;gap:.125rem;min-width:0;max-width:24rem} .files span{overflow:hidden;text-overflow:ellipsis}
.snippet{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden;overflow-wrap:anywhere;font-size:.9333rem;line-height:1.55}
mark{color:inherit;font-weight:600;border-radius:.1875rem;padding:0 .0625rem;background:color-mix(in srgb,var(--st-link-color) 20%,transparent)}
@media (pointer:coarse){.offer,a{padding-block:.625rem}.clear{width:2.5rem;height:2.5rem}.name button{padding-block:.5rem}}
`);

const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
const icon = (name, label) => {
  const made = el('i', {textContent: name, translate: false, title: label || ''});
  if (label) { made.setAttribute('role', 'img'); made.setAttribute('aria-label', label); } else made.setAttribute('aria-hidden', 'true');
  return made;
};
const dress = root => {
  const sheets = root.getRootNode();
  if (!sheets.adoptedStyleSheets.includes(SHEET)) sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, SHEET];
};
const PAUSE_MS = 150;           // after the last key before suggestions are asked for
const ICONS = {recent: 'history', word: 'search', title: 'chat_bubble'};
const fields = new WeakMap();   // root -> state
let results = null;             // where the arrow keys lead from the field, and back
let field = null;

// The field

export function searchField({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.search');
  dress(root);
  let state = fields.get(root);
  if (!state) { state = build(root); fields.set(root, state); }
  Object.assign(state, {data: data[0], labels: data[1], say: event => setTriggerValue('event', event)});
  const {words, most} = state.data, {input} = state;
  input.maxLength = most; input.placeholder = state.labels.hint; input.setAttribute('aria-label', state.labels.field);
  state.clear.title = state.labels.clear; state.clear.setAttribute('aria-label', state.labels.clear);
  if (state.words !== words) { state.words = words; input.value = words; }     // what is looked for has changed, not only what is offered
  state.clear.hidden = !input.value;
  field = input;
  if (!state.met) { state.met = true; if (!matchMedia('(pointer:coarse)').matches) requestAnimationFrame(() => { input.focus(); input.select(); }); }
  offer(state);
  return () => { if (!root.isConnected) document.removeEventListener('keydown', state.onKey, true); };
}

function build(root) {
  const input = el('input', {type: 'search', autocomplete: 'off', spellcheck: false, enterKeyHint: 'search'});
  const clear = el('button', {className: 'clear', hidden: true}, icon('close'));
  const list = el('div', {className: 'offers', id: 'offers', hidden: true});
  const state = {input, clear, list, open: false, at: -1, words: null, wait: 0};
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-expanded', 'false'], ['aria-controls', 'offers']]) input.setAttribute(name, value);
  list.setAttribute('role', 'listbox');
  input.oninput = () => { clear.hidden = !input.value; state.at = -1; state.open = true; offer(state); ask(state); };
  input.onfocus = () => { if (!input.value) { state.open = true; offer(state); } };
  input.onclick = () => { state.open = true; offer(state); };
  input.onblur = () => shut(state);
  input.onkeydown = event => keys(event, state);
  clear.onclick = () => { input.value = ''; clear.hidden = true; ask(state); input.focus(); };
  list.onpointerdown = event => event.preventDefault();                        // the field keeps the focus
  state.onKey = event => {                                                     // Ctrl+K elsewhere leads here; here it leads to the field
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'k' || !root.isConnected) return;
    event.preventDefault(); input.focus(); input.select();
  };
  document.addEventListener('keydown', state.onKey, true);
  root.append(el('div', {className: 'box'}, icon('search'), input, clear), list);
  return state;
}

function ask(state) {
  clearTimeout(state.wait);
  state.wait = setTimeout(() => state.say({kind: 'typing', text: state.input.value}), PAUSE_MS);
}

function look(state, text) {
  clearTimeout(state.wait);
  state.input.value = text;
  state.clear.hidden = !text;
  shut(state);
  state.say({kind: 'search', text});
}

function choose(state, [kind, text, id]) {
  if (kind !== 'title') { look(state, text); return; }
  shut(state);
  state.say({kind: 'open', c: id});
}

function keys(event, state) {
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (event.isComposing) return;                                               // the keys belong to the Chinese input method
  if (step && state.offers.length) {
    event.preventDefault();
    const places = state.offers.length + 1;                                    // one more: none of them, the text as typed
    state.at = (state.at + 1 + step + places) % places - 1;
    mark(state);
  } else if (event.key === 'ArrowDown') { const first = results?.querySelector('a'); if (first) { event.preventDefault(); first.focus(); }
  } else if (event.key === 'Enter') {
    event.preventDefault();
    if (state.open && state.at >= 0) choose(state, state.offers[state.at]); else look(state, state.input.value.trim());
  } else if (event.key === 'Escape' && state.open) { event.stopPropagation(); shut(state); }
}

function shut(state) { state.open = false; state.at = -1; offer(state); }

function offer(state) {
  const {list, input, labels: L, data} = state;
  // Suggestions for an earlier text are still good for one that they hold: the list does not flicker while somebody types.
  const typed = input.value.trim().toLowerCase();
  state.offers = !state.open || data.typed.trim().toLowerCase() !== typed && !typed.startsWith(data.typed.trim().toLowerCase()) ? []
    : data.offers.filter(([kind, text]) => kind !== 'word' || text.toLowerCase().startsWith(typed));
  const shown = state.offers.length > 0;
  list.hidden = !shown;
  list.setAttribute('aria-label', L.offers);
  input.setAttribute('aria-expanded', String(shown));
  const when = clock(L.language);
  let last = '';
  list.replaceChildren(...state.offers.flatMap((each, n) => {
    const [kind, text, , at] = each, head = kind === last ? [] : headOf(kind, state);
    last = kind;
    const row = el('div', {className: 'offer', id: 'offer-' + n, title: text}, icon(ICONS[kind]), el('span', {textContent: text}), ...(at ? [el('small', {textContent: when(at)})] : []));
    row.setAttribute('role', 'option');
    row.onclick = () => choose(state, each);
    return [...head, row];
  }));
  if (state.at >= state.offers.length) state.at = -1;
  mark(state);
}

function headOf(kind, {labels: L, say}) {
  if (kind === 'recent') return [el('div', {className: 'name'}, L.recent, el('button', {textContent: L.forget, tabIndex: -1, onclick: () => say({kind: 'forget'})}))];
  return kind === 'title' ? [el('div', {className: 'name', textContent: L.titles})] : [];
}

function mark({list, input, at}) {
  list.querySelectorAll('.offer').forEach((row, n) => {
    row.setAttribute('aria-selected', String(n === at));
    if (n === at) row.scrollIntoView({block: 'nearest'});
  });
  if (at >= 0) input.setAttribute('aria-activedescendant', 'offer-' + at); else input.removeAttribute('aria-activedescendant');
}

// What was found

const drawn = new WeakMap();    // root -> the data that is drawn

export function found({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.found');
  dress(root);
  results = root;
  const shape = JSON.stringify(data);
  if (drawn.get(root) === shape) return;
  drawn.set(root, shape);
  const [{groups}, L] = data;
  const say = address => setTriggerValue('event', {kind: 'open', ...address});
  const when = clock(L.language);
  root.replaceChildren(...groups.map(group => el('div', {className: 'group'}, titleOf(group, L, say, when), ...group.items.map(item => rowOf(item, L, say, when)))));
  root.onkeydown = event => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const links = [...root.querySelectorAll('a')], next = links.indexOf(root.getRootNode().activeElement) + step;
    (next < 0 ? field : links[Math.min(next, links.length - 1)])?.focus();
  };
}

function titleOf({address, title, at}, L, say, when) {
  const text = el('span', {className: 'text'}, ...(title.join('') ? marked(title) : [L.untitled]));
  const link = linkTo(address, say, text, ...(at ? [el('span', {className: 'facts', textContent: when(at)})] : []));
  link.className = 'title';
  return link;
}

function rowOf({address, who, at, model, rating, files, snippet}, L, say, when) {
  const facts = el('div', {className: 'facts'}, who + ' · ' + when(at));
  if (model) facts.append(' · ', el('span', {className: 'model', textContent: model, title: model}));
  if (rating) facts.append(icon(rating > 0 ? 'thumb_up' : 'thumb_down', rating > 0 ? L.good : L.poor));
  if (files.length) facts.append(el('span', {className: 'files'}, icon('attach_file', L.files), el('span', {textContent: files.join(', '), title: files.join('\n')})));
  return linkTo(address, say, facts, el('div', {className: 'snippet'}, ...marked(snippet)));
}

function linkTo(address, say, ...inside) {
  const link = el('a', {href: '/?' + new URLSearchParams(address)}, ...inside);
  link.onclick = event => { if (event.metaKey || event.ctrlKey || event.shiftKey) return; event.preventDefault(); say(address); };
  return link;
}

const marked = pieces => pieces.map((text, n) => n % 2 ? el('mark', {textContent: text}) : document.createTextNode(text));

function clock(language) {
  const name = language === 'zh' ? 'zh-CN' : 'en-GB', now = new Date();
  const time = new Intl.DateTimeFormat(name, {hour: '2-digit', minute: '2-digit'});
  const day = new Intl.DateTimeFormat(name, {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'});
  const year = new Intl.DateTimeFormat(name, {day: 'numeric', month: 'short', year: 'numeric'});
  return iso => {
    const at = new Date(iso);
    return (at.toDateString() === now.toDateString() ? time : at.getFullYear() === now.getFullYear() ? day : year).format(at);
  };
}
