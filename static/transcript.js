// What stands between two answers: the foot of the answer before, the next question, and the thoughts before its answer.
// One component draws all three, because a page of fifty messages must be quick to send. See pages/widgets/seam.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.seam{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem;font:400 1rem/1.65 var(--st-font);color:var(--st-text-color)}
button{all:unset;box-sizing:border-box;cursor:pointer;flex:none;min-width:1.75rem;height:1.75rem;border-radius:.375rem;display:grid;place-items:center;color:inherit}
button:hover{background:var(--st-secondary-background-color);color:var(--st-text-color)}
button:focus-visible,summary:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px} textarea:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-1px}
button[disabled]{opacity:.35!important;cursor:default}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
.quiet button{opacity:.7;transition:opacity .15s} .quiet:hover button,.quiet button:focus-visible,.quiet button[aria-pressed=true]{opacity:1}
.versions{display:flex;align-items:center}

.bar{display:flex;align-items:center;gap:.125rem;margin-left:-.375rem;min-height:1.75rem;font-size:.8667rem;line-height:1.5;color:var(--st-gray-text-color);
 font-variant-numeric:tabular-nums;white-space:nowrap}
.bar button[aria-pressed=true]{color:var(--st-link-color)} .bar button[aria-pressed=true] i{font-variation-settings:'FILL' 1}
.bar .meta{display:flex;flex:0 1 auto;min-width:0;padding:0 .375rem;line-height:1.75rem;opacity:1;overflow:hidden}
.meta span{flex:none;white-space:pre}.meta span:first-child{flex:0 1 auto;overflow:hidden;text-overflow:ellipsis}
.meta i{flex:none;margin-left:.375rem;line-height:1.75rem;transition:transform .15s} .meta[aria-expanded=true] i{transform:rotate(90deg)}
.details{display:flex;flex-wrap:wrap;gap:.375rem 1.75rem;margin:.25rem 0 0;padding:.625rem 1rem;border-radius:.5rem;font-size:.8667rem;line-height:1.5;
 background:var(--st-secondary-background-color);font-variant-numeric:tabular-nums;scroll-margin-bottom:10.5rem} .details[hidden]{display:none}
.details dt{color:var(--st-gray-text-color)} .details dd{margin:0} .mark{color:var(--st-orange-text-color)}

.question{display:grid;grid-template-columns:minmax(0,1fr);justify-items:end;gap:.375rem}
.line{display:flex;justify-content:flex-end;align-items:center;gap:.375rem;width:100%;min-width:0}
.bubble{max-width:85%;box-sizing:border-box;padding:.625rem 1rem;border-radius:1.125rem;white-space:pre-wrap;overflow-wrap:anywhere;
 background:color-mix(in srgb,currentColor 6%,transparent)}
.bubble.long:not(.open){max-height:15.5rem;overflow:hidden;mask:linear-gradient(#000 70%,transparent)}
pre{margin:.375rem 0;padding:.5rem .75rem;border-radius:.5rem;overflow-x:auto;white-space:pre;overflow-wrap:normal;
 background:color-mix(in srgb,currentColor 6%,transparent);font:400 .8667rem/1.6 var(--st-code-font)} pre:first-child{margin-top:.125rem} pre:last-child{margin-bottom:.125rem}
.files{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:.375rem;max-width:85%}
.file{display:flex;align-items:center;gap:.375rem;max-width:100%;box-sizing:border-box;padding:.25rem .75rem .25rem .5rem;border-radius:.5rem;
 border:1px solid var(--st-border-color);font-size:.8667rem;line-height:1.5;color:inherit;text-decoration:none}
.picture{display:block;max-width:100%;border-radius:.5rem;line-height:0} .picture:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
.picture img{display:block;max-width:16rem;max-height:12rem;min-height:2.5rem;min-width:2.5rem;object-fit:contain;border-radius:.5rem;
 border:1px solid var(--st-border-color);background:var(--st-secondary-background-color);font-size:.8667rem;line-height:1.5}
.file:hover{background:var(--st-secondary-background-color)} .file:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
.file span:first-of-type{overflow:hidden;text-overflow:ellipsis;white-space:nowrap} .file .size{flex:none;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums}
.readas{display:flex;flex-wrap:wrap;justify-content:flex-end;align-items:center;gap:.375rem;max-width:100%}
.readas select{field-sizing:content;font:inherit;font-size:.8667rem;line-height:1.5;max-width:100%;min-width:0;padding:.25rem .375rem;border-radius:.5rem;border:1px solid var(--st-border-color);
 background:var(--st-background-color);color:var(--st-gray-text-color)} .readas select:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
.tools{display:flex;align-items:center;font-size:.8667rem;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums;white-space:nowrap}

.editor{width:100%;display:grid;gap:.5rem}
textarea{box-sizing:border-box;width:100%;min-height:4.5rem;max-height:24rem;resize:vertical;font:inherit;color:inherit;padding:.625rem 1rem;
 border-radius:1.125rem;border:1px solid var(--st-border-color);background:transparent;field-sizing:content}
.row{display:flex;gap:.5rem;font-size:.8667rem} .question .row{justify-content:flex-end}
.ways{flex-wrap:wrap;margin-top:.375rem}
.row button{padding:0 .875rem;height:2.125rem;border-radius:.5rem;border:1px solid var(--st-border-color)}
.row .main{background:var(--st-primary-color);border-color:var(--st-primary-color);color:#fff} .row .main:hover{filter:brightness(1.08)}

summary{display:inline-flex;align-items:center;gap:.375rem;cursor:pointer;list-style:none;font-size:.8667rem;color:var(--st-gray-text-color);border-radius:.375rem}
summary:hover{color:var(--st-text-color)} summary::-webkit-details-marker{display:none}
summary i{transition:transform .15s} details[open] summary i{transform:rotate(90deg)}
.thought{margin-top:.5rem;padding-left:1rem;border-left:2px solid var(--st-border-color);white-space:pre-wrap;overflow-wrap:anywhere;
 font-size:.9333rem;color:var(--st-gray-text-color);max-height:24rem;overflow:auto}
.spin{width:.75rem;height:.75rem;border-radius:50%;border:1.5px solid color-mix(in srgb,currentColor 25%,transparent);border-top-color:currentColor;
 animation:turn .9s linear infinite} @keyframes turn{to{transform:rotate(1turn)}}

@media (pointer:coarse){button{min-width:2.5rem;height:2.5rem}.quiet button{opacity:1}.row button{height:2.5rem}}
@media (max-width:640px){.opt{display:none}.line{flex-wrap:wrap}.tools{order:2;width:100%;justify-content:flex-end;margin-top:-.5rem}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}.spin{animation-duration:4s}}
`);

const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
const icon = name => { const made = el('i', {textContent: name, translate: false}); made.setAttribute('aria-hidden', 'true'); return made; };
const tool = (name, label, act, {pressed, off} = {}) => {
  const made = el('button', {title: label, disabled: !!off}, icon(name));
  made.setAttribute('aria-label', label);
  if (pressed !== undefined) made.setAttribute('aria-pressed', pressed);
  made.onclick = () => act(made);
  return made;
};
// One id per drawing of a button: what a double click sends twice is one request.
const requestId = () => Date.now().toString(36) + Math.random().toString(36).slice(2);

const seams = new WeakMap();    // root -> {data, labels, ways, say, busy, drawn, fold}
const roots = new Set();        // all of them that are on the page
let shared = null, known = '';  // what all seams have in common: the labels and the other ways to regenerate; the same as text
const UNLABELLED = {labels: new Proxy({}, {get: (_, name) => name === 'encodings' ? [] : ''}), ways: []};

// The labels and ways come once a page, not with each seam: they were most of what a long chat sent.
export function seamLabels({data}) {
  const text = JSON.stringify(data);
  if (known === text) return;
  [known, shared] = [text, {labels: data[0], ways: data[1]}];
  for (const root of roots) {
    const state = root.isConnected && seams.get(root);
    if (!state) roots.delete(root);
    else if (!state.busy) { state.drawn = null; draw(root, state); }
  }
}

export function seam({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.seam');
  const sheets = root.getRootNode();
  if (!sheets.adoptedStyleSheets.includes(SHEET)) sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, SHEET];
  const state = seams.get(root) || {};
  seams.set(root, state);
  roots.add(root);
  Object.assign(state, {data: data[0], say: event => setTriggerValue('event', event)});
  if (!state.busy) draw(root, state);           // a rerun must not take the words out of somebody's hands
}

function draw(root, state) {
  Object.assign(state, shared ?? UNLABELLED);   // at its full height from the start: what follows must not move
  const {bar, question, thought} = state.data;
  const shape = JSON.stringify([bar, question, !!thought]);
  if (shape !== state.drawn) {
    state.drawn = shape;
    state.fold = thought ? foldOf(thought) : null;
    const again = () => { state.busy = false; state.drawn = null; draw(root, state); };
    root.replaceChildren(...[bar && barOf(bar, state), question && questionOf(question, state, again), state.fold].filter(Boolean));
  }
  if (thought) fill(state.fold, thought);
}

// The foot of an answer

function barOf(bar, {labels: L, say, ways}) {
  const tell = event => say({...event, message: bar.id});
  const box = el('div', {className: 'bar quiet'});
  const outer = el('div', {}, box);
  if (bar.versions) box.append(versions(bar.versions, L, say));
  if (bar.text) box.append(tool('content_copy', L.copy, button => copy(bar.text, button, L)));
  if (bar.text && bar.rated) {
    const rate = value => () => {
      const rating = bar.rating === value ? 0 : value;
      for (const [button, each] of [[up, 1], [down, -1]]) button.setAttribute('aria-pressed', rating === each);
      tell({kind: 'rate', rating});             // the form that follows is drawn below, see rating_form.py
    };
    const up = tool('thumb_up', L.up, rate(1), {pressed: bar.rating === 1});
    const down = tool('thumb_down', L.down, rate(-1), {pressed: bar.rating === -1});
    box.append(up, down);
    if (bar.rating) box.append(tool('add_comment', L.comment, () => tell({kind: 'rating form'})));
  }
  if (bar.free) {
    const request = requestId();
    box.append(tool('refresh', L.again, button => { button.disabled = true; tell({kind: 'again', request}); }));
  }
  if (bar.text && bar.rated) box.append(tool('keep', bar.pinned ? L.unpin : L.pin, () => tell({kind: 'pin', pinned: !bar.pinned}), {pressed: bar.pinned}));
  if (bar.accepts) box.append(tool('fact_check', L.accept, () => tell({kind: 'accept'})));
  if (bar.free && ways.length) box.append(tool('tune', L.ways, button => choose(button, outer, ways, L, (way, request) => tell({kind: 'again', request, ...way}))));
  if (bar.goesOn) {
    const request = requestId();
    box.append(tool('play_arrow', L.goOn, button => { button.disabled = true; tell({kind: 'go on', request}); }));
  }
  const meta = el(bar.details.length ? 'button' : 'span', {className: 'meta'});
  if (bar.mark) meta.append(el('span', {className: 'mark', textContent: bar.mark + (bar.meta.length ? ' · ' : '')}));
  bar.meta.forEach((text, n) => meta.append(el('span', {className: n > 1 ? 'opt' : '', textContent: (n ? ' · ' : '') + text})));
  meta.title = meta.textContent;
  box.append(meta);
  if (bar.details.length) unfold(meta, outer, bar.details, L);
  rove(box, L.actions);
  return outer;
}

// The other ways to answer: a row of buttons below the bar
function choose(button, outer, ways, L, act) {
  const open = outer.querySelector('.ways');
  button.setAttribute('aria-expanded', !open);
  if (open) { open.remove(); return; }
  const request = requestId();
  const row = el('div', {className: 'row ways'}, ...ways.map(({label, ...way}) => el('button', {textContent: label, onclick: () => {
    row.querySelectorAll('button').forEach(each => { each.disabled = true; });
    act(way, request);
  }})));
  row.setAttribute('role', 'group'); row.setAttribute('aria-label', L.ways);
  row.onkeydown = event => { if (event.key === 'Escape') { event.stopPropagation(); row.remove(); button.setAttribute('aria-expanded', false); button.focus(); } };
  outer.append(row);
  row.firstChild.focus();
}

// A bar of buttons is one tab stop; the arrows move within it.
function rove(bar, name) {
  const all = () => [...bar.querySelectorAll('button:not([disabled])')];
  bar.setAttribute('role', 'toolbar'); bar.setAttribute('aria-label', name);
  all().forEach((each, n) => { each.tabIndex = n ? -1 : 0; });
  bar.onkeydown = event => {
    const held = all(), at = held.indexOf(bar.getRootNode().activeElement);
    const to = {ArrowRight: held[at + 1], ArrowLeft: held[at - 1], Home: held[0], End: held.at(-1)}[event.key];
    if (at < 0 || !to) return;
    event.preventDefault();
    held.forEach(each => { each.tabIndex = each === to ? 0 : -1; });
    to.focus();
  };
}

// The figures that the line leaves out
function unfold(meta, outer, details, L) {
  const list = el('dl', {className: 'details', hidden: true}, ...details.map(([name, value]) =>
    el('div', {}, el('dt', {textContent: name}), el('dd', {textContent: value}))));
  const show = on => { list.hidden = !on; meta.setAttribute('aria-expanded', on); };
  meta.title = L.details;
  meta.append(icon('chevron_right'));
  meta.onclick = () => { show(list.hidden); if (!list.hidden) list.scrollIntoView({block: 'nearest'}); };     // out from under the composer
  show(false);
  outer.append(list);
}

async function copy(text, button, L) {
  try { await navigator.clipboard.writeText(text); }
  catch {                                       // without HTTPS there is no clipboard
    const area = el('textarea', {value: text}); document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
  }
  const sign = button.querySelector('i');
  sign.textContent = 'check'; button.title = L.copied;
  setTimeout(() => { sign.textContent = 'content_copy'; button.title = L.copy; }, 1400);
}

function versions({at, ids, of}, L, say) {
  const turn = (name, label, id) => tool(name, label, () => say({kind: 'version', id}), {off: !id});
  return el('span', {className: 'versions'}, turn('chevron_left', L.earlier, ids[at - 2]), el('span', {textContent: of}), turn('chevron_right', L.later, ids[at]));
}

// A question

function questionOf(question, {labels: L, say}, again) {
  const bubble = el('div', {className: 'bubble'}, ...worded(question.text));
  const tools = el('div', {className: 'tools quiet'});
  const files = question.files.map(file => fileOf(file, L, say));
  const chips = el('div', {className: 'files'}, ...files);
  const box = el('div', {className: 'question'}, ...(files.length && question.text ? [chips] : []), el('div', {className: 'line'}, tools, question.text ? bubble : chips));
  if (question.versions) tools.append(versions(question.versions, L, say));
  if (question.editable) tools.append(tool('edit', L.edit, () => {
    const request = requestId();
    box.replaceChildren(editor({
      text: question.text, name: L.edit, send: L.send, cancel: L.cancel,
      act: text => { say({kind: 'edit', id: question.id, text, request}); again(); }, leave: again,
    }));
    hold(box);
  }));
  requestAnimationFrame(() => {
    if (bubble.scrollHeight < 340) return;
    bubble.classList.add('long');
    tools.prepend(tool('unfold_more', L.all, button => { button.querySelector('i').textContent = bubble.classList.toggle('open') ? 'unfold_less' : 'unfold_more'; }));
  });
  return box;
}

// The words of a question as they were typed; only fenced code is drawn as code.
function worded(text) {
  const parts = [];
  let prose = [], code = null, end = null;
  const flush = () => { const words = prose.join('\n').replace(/^\n+|\n+$/g, ''); if (words) parts.push(words); prose = []; };
  for (const line of text.split('\n')) {
    const fence = line.match(/^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/);
    if (code && end.test(line)) { parts.push(el('pre', {tabIndex: 0}, el('code', {textContent: code.join('\n')}))); code = null; }
    else if (code) code.push(line);
    else if (fence) { flush(); code = []; end = new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}\\s*$`); }
    else prose.push(line);
  }
  if (code) parts.push(el('pre', {tabIndex: 0}, el('code', {textContent: code.join('\n')})));
  flush();
  return parts;
}

// A file of a question: a click saves it

function fileOf({id, name, size, encoding, image}, L, say) {
  if (image) return el('a', {className: 'picture', href: `/api/v1/files/${id}/content`, download: name, title: `${L.save}: ${name} (${size})`},
    el('img', {src: `/api/v1/files/${id}/content`, alt: name, loading: 'lazy', decoding: 'async'}));
  const link = el('a', {className: 'file', href: `/api/v1/files/${id}/content`, download: name, title: `${L.save}: ${name}`},
    icon('description'), el('span', {textContent: name}), el('span', {className: 'size', textContent: size}));
  return encoding ? el('span', {className: 'readas'}, link, encodingOf({id, name, encoding}, L, say)) : link;
}

// What a text is read as, where that was a guess
function encodingOf({id, name, encoding}, L, say) {
  const choice = el('select', {title: L.readAs, onchange: () => change(choice.value)},
    ...L.encodings.map(([value, textContent]) => el('option', {value, textContent, selected: value === encoding})));
  const change = wanted => { choice.value = encoding; say({kind: 'encoding', id, encoding: wanted}); };     // refused, it stays as it is
  choice.setAttribute('aria-label', `${L.readAs}: ${name}`);
  return choice;
}

// A question that is edited

function editor({name, text, send, cancel, act, leave}) {
  const area = el('textarea', {value: text});
  area.setAttribute('aria-label', name);
  const done = () => { if (area.value.trim()) act(area.value); };
  area.onkeydown = event => {
    event.stopPropagation();
    if (event.key === 'Escape') leave();
    if (event.key === 'Enter' && !event.isComposing && !event.shiftKey) { event.preventDefault(); done(); }
  };
  const buttons = [el('button', {textContent: cancel, onclick: leave}), el('button', {className: 'main', textContent: send, onclick: done})];
  return el('div', {className: 'editor'}, area, el('div', {className: 'row'}, ...buttons));
}

function hold(inside) {
  requestAnimationFrame(() => { const area = inside.querySelector('textarea'); area?.focus(); area?.setSelectionRange(area.value.length, area.value.length); });
  const root = inside.closest('.seam');
  if (root) seams.get(root).busy = true;
}

// The thoughts before an answer, folded

const unfolded = new Set();     // by answer: a fold stays open when the running answer becomes a finished one

function foldOf({id}) {
  const fold = el('details', {open: unfolded.has(id)}, el('summary', {}), el('div', {className: 'thought'}));
  fold.ontoggle = () => unfolded[fold.open ? 'add' : 'delete'](id);
  return fold;
}

function fill(fold, {label, text, running}) {
  const [summary, body] = fold.children;
  if (summary.dataset.label !== label) {
    summary.dataset.label = label;
    summary.replaceChildren(...(running ? [el('span', {className: 'spin'})] : []), label, icon('chevron_right'));
  }
  if (body.textContent === text) return;
  const follow = running && body.scrollHeight - body.clientHeight - body.scrollTop < 40;
  if (body.firstChild && text.startsWith(body.textContent)) body.append(text.slice(body.textContent.length));
  else body.textContent = text;
  if (follow) body.scrollTop = body.scrollHeight;
}
