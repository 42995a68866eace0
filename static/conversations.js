// Folders and conversations in the sidebar: all rows, their menus and marks in one component. See pages/widgets/conversation_list.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.list{font:400 .8667rem/1.4 var(--st-font);color:var(--st-text-color);padding-bottom:1rem}
h4{flex:1;margin:0;padding:.875rem .625rem .25rem;font:inherit;color:var(--st-gray-text-color)}
.heads{display:flex;align-items:end}
.none{padding:.875rem .625rem;color:var(--st-gray-text-color)}
.row{position:relative;display:flex;align-items:center;min-height:2.125rem;border-radius:.5rem}
.row:hover{background:color-mix(in srgb,currentColor 5%,transparent)} .row.on{background:color-mix(in srgb,currentColor 9%,transparent);font-weight:500}
a{flex:1;min-width:0;padding:.4375rem 0 .4375rem .625rem;color:inherit;text-decoration:none;border-radius:.5rem}
.title{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;overflow-wrap:anywhere}
a.named{display:flex} a.named i{flex:none;line-height:1.4}
.where{display:flex;gap:.25rem;margin-top:.0625rem;font-weight:400;font-size:.8rem;white-space:nowrap;color:var(--st-gray-text-color)}
.where span{overflow:hidden;text-overflow:ellipsis} .where i{font-size:.9333rem;line-height:1.4;margin:0} .where time{flex:none}
a:focus-visible,button:focus-visible,input:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
button{all:unset;box-sizing:border-box;cursor:pointer}
.more{flex:none;width:1.75rem;height:1.75rem;margin-right:.1875rem;border-radius:.375rem;display:grid;place-items:center;opacity:.6}
.row:hover .more,.row.on .more,.more:focus-visible,.more[aria-expanded=true]{opacity:1} .more:hover{background:color-mix(in srgb,currentColor 9%,transparent)}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
a i{margin-right:.5rem}
.quiet,.quiet a{color:var(--st-gray-text-color)}
.spin{flex:none;width:.75rem;height:.75rem;margin:0 .25rem;border-radius:50%;border:1.5px solid color-mix(in srgb,currentColor 22%,transparent);
 border-top-color:currentColor;animation:turn .9s linear infinite} @keyframes turn{to{transform:rotate(1turn)}}
.menu{position:absolute;right:.1875rem;top:2rem;z-index:5;min-width:9rem;padding:.25rem;border-radius:.5rem;border:1px solid var(--st-border-color);
 background:var(--st-background-color)}
.menu button{display:flex;align-items:center;gap:.5rem;width:100%;padding:.375rem .5rem;border-radius:.375rem;font-weight:400}
.menu button:hover,.menu button:focus-visible{background:color-mix(in srgb,currentColor 7%,transparent)} .menu .red{color:var(--st-red-text-color)}
input{all:unset;box-sizing:border-box;flex:1;min-width:0;margin:.1875rem;padding:.25rem .4375rem;border-radius:.375rem;background:var(--st-background-color);
 border:1px solid var(--st-border-color)}
.dot{flex:none;width:.5rem;height:.5rem;margin:0 .25rem;border-radius:50%;background:var(--st-link-color)} .row.new .title{font-weight:600}
.row.picked{background:color-mix(in srgb,var(--st-link-color) 12%,transparent)} .pick{flex:none;margin-left:.5rem;font-size:1.2rem;color:var(--st-gray-text-color)}
.row.picked .pick{color:var(--st-link-color);font-variation-settings:'FILL' 1}
.bar{display:flex;align-items:center;gap:.125rem;position:sticky;top:0;z-index:4;min-height:2.5rem;padding-left:.625rem;background:var(--st-background-color);
 border-bottom:1px solid var(--st-border-color)} .bar span{flex:1;font-variant-numeric:tabular-nums}
.bar button{width:2rem;height:2rem;border-radius:.375rem;display:grid;place-items:center} .bar button:hover{background:color-mix(in srgb,currentColor 8%,transparent)}
.bar button:disabled{opacity:.4;cursor:default} .bar .red{color:var(--st-red-text-color)}
.row.here{font-weight:600} .row.here:not(:hover){background:none} .all{width:100%;padding:.4375rem .625rem}
@media (pointer:coarse){.row,.all{min-height:2.5rem}.more{width:2.5rem;height:2.5rem;opacity:1}.menu button{min-height:2.5rem}}
@media (prefers-reduced-motion:reduce){.spin{animation-duration:4s}}
`);

const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
const icon = (name, label) => {
  const made = el('i', {textContent: name, translate: false});
  if (label) { made.setAttribute('role', 'img'); made.setAttribute('aria-label', label); } else made.setAttribute('aria-hidden', 'true');
  return made;
};
const lists = new WeakMap();    // root -> {data, labels, say, busy, drawn, shut, all, focus, picked}; picked: a Set of ids while chats are being selected
const FEW = 8;                  // more folders than these are listed when asked for

export function conversations({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.list');
  const sheets = root.getRootNode();
  if (!sheets.adoptedStyleSheets.includes(SHEET)) sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, SHEET];
  const state = lists.get(root) || {shut: () => {}};
  lists.set(root, state);
  Object.assign(state, {data: data[0], labels: data[1], say: event => setTriggerValue('event', event)});
  root.onkeydown = event => move(event, root);
  if (!state.busy) draw(root, state);           // somebody is typing a title or reading a menu
}

function draw(root, state) {
  const shape = JSON.stringify([state.data, state.labels, state.all, state.picked && [...state.picked]]);
  if (shape === state.drawn) return;
  state.drawn = shape;
  const {groups, none} = state.data;
  const rows = (kind, items) => items.map(item => rowOf({kind, ...item}, root, state));
  const held = root.getRootNode().activeElement, inside = root.contains(held) ? held : null;      // the keyboard stays where it is
  root.replaceChildren(...(state.picked ? [bar(root, state)] : above(rows, root, state)), ...groups.flatMap(([title, items]) => [el('h4', {textContent: title}), ...rows('chat', items)]),
    ...(groups.length ? [] : [el('div', {className: 'none', textContent: none})]),
    ...(state.data.offersArchive && !state.picked ? [linkRow({className: 'row quiet'}, '/', state.labels.archived, 'inventory_2', () => shelve(true, state))] : []));
  rove(root);
  const same = each => ['href', 'aria-label'].every(name => each.getAttribute(name) === inside.getAttribute(name));
  (state.focus ? root.querySelector(state.focus) : inside && [...root.querySelectorAll('a,button')].find(same))?.focus();
  state.focus = null;
}

// One tab stop for the whole list: arrows move within it, the right one to a row's menu.
function rove(root) {
  const links = stops(root), at = links.find(link => link.getAttribute('aria-current') === 'page') || links[0];
  for (const each of root.querySelectorAll('a,button')) each.tabIndex = each === at ? 0 : -1;
}

const stops = root => [...root.querySelectorAll('a,.heads button,.all,.bar button:enabled')];

function move(event, root) {
  const at = root.getRootNode().activeElement, row = at?.closest('.row,.heads'), more = row?.querySelector('.more');
  if (!at || at.tagName === 'INPUT' || at.closest('.menu') || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = stops(root), place = all.indexOf(at === more && row.className !== 'heads' ? row.querySelector('a') : at);
  const to = {ArrowDown: all[place + 1], ArrowUp: all[place - 1], Home: all[0], End: all.at(-1), ArrowRight: more, ArrowLeft: row?.querySelector('a')}[event.key];
  if (!to) return;
  event.preventDefault();
  for (const each of root.querySelectorAll('a,button')) each.tabIndex = each === to ? 0 : -1;
  to.focus();
  to.scrollIntoView({block: 'nearest'});
}

function above(rows, root, state) {             // the folders; of an open one the way back, and its name
  const {data: {folder, folders}, labels: L} = state;
  if (state.data.archive) return [linkRow({className: 'row quiet'}, '/', L['all chats'], 'arrow_back', () => shelve(false, state)),
    el('h4', {textContent: L.archived})];
  if (folder) return [linkRow({className: 'row quiet'}, '/', L['all chats'], 'arrow_back', () => enter('', folder.id, state)), ...rows('folder', [folder])];
  if (!folders.length) return [];
  const add = el('button', {className: 'more', title: L['new folder']}, icon('add'));
  add.setAttribute('aria-label', L['new folder']);
  const head = el('div', {className: 'heads'}, el('h4', {textContent: L.folders}), add);
  add.onclick = () => { const row = el('div', {className: 'row'}); head.after(row); rename({kind: 'new', title: ''}, row, root, state); };
  const all = el('button', {className: 'all quiet', textContent: L['all folders'], onclick: () => { state.all = true; state.focus = `.row:nth-of-type(${FEW + 2}) a`; draw(root, state); }});
  return state.all || folders.length <= FEW + 1 ? [head, ...rows('folder', folders)] : [head, ...rows('folder', folders.slice(0, FEW)), all];
}

function shelve(on, state) { state.focus = '.quiet a'; state.say({kind: 'list archive', on}); }

// While chats are being selected: how many, and what may be done with all of them.
function bar(root, state) {
  const {labels: L, picked, say, data} = state, ids = [...picked];
  const button = (name, label, act, className = '') => {
    const made = el('button', {className, title: label, onclick: act, disabled: name !== 'close' && !ids.length}, icon(name));
    made.setAttribute('aria-label', label);
    return made;
  };
  const end = () => { state.picked = null; draw(root, state); };
  const all = kind => () => { say({kind, ids}); end(); };
  const count = el('span', {textContent: L.selected.replace('{number}', ids.length)});
  count.setAttribute('role', 'status');
  const made = el('div', {className: 'bar'}, count, button('drive_file_move', L.move, all('move many')),
    button(data.archive ? 'unarchive' : 'inventory_2', data.archive ? L.unarchive : L.archive, all('archive many')),
    ...(L.export ? [button('download', L.export, all('export'))] : []), button('delete', L.delete, all('delete many'), 'red'), button('close', L.done, end));
  made.setAttribute('role', 'toolbar');
  made.onkeydown = event => { if (event.key === 'Escape') { event.stopPropagation(); end(); } };
  return made;
}

function enter(id, left, state) {
  state.focus = id ? '.quiet a' : `a[href="/?f=${left}"]`;
  state.say({kind: 'folder', id});
}

function linkRow(props, href, title, name, act, ...more) {
  const link = el('a', {href, title, className: name ? 'named' : ''}, ...(name ? [icon(name)] : []), el('span', {className: 'title', textContent: title}));
  link.onclick = event => { if (event.metaKey || event.ctrlKey || event.shiftKey) return; event.preventDefault(); act(); };
  return el('div', props, link, ...more);
}

function rowOf(item, root, state) {
  const {labels: L, data, say} = state;
  const folder = item.kind === 'folder', here = folder && data.folder, title = item.title || L.untitled, open = folder ? item.marked : item.id === data.open;
  const more = el('button', {className: 'more', title: L.more}, icon('more_horiz'));
  more.setAttribute('aria-label', `${L.more}: ${title}`); more.setAttribute('aria-haspopup', 'menu'); more.setAttribute('aria-expanded', 'false');
  const mark = (className, title) => { const made = el('span', {className, title}); made.setAttribute('role', 'img'); made.setAttribute('aria-label', title); return made; };
  const marks = item.running ? [mark('spin', L.running)] : item.unread ? [mark('dot', L.unread)] : [];
  if (state.picked && !folder) return pickRow(item, title, marks, root, state);
  const row = folder
    ? linkRow({className: here ? 'row here' : open ? 'row on' : 'row'}, '/?f=' + item.id, title, here ? 'folder_open' : 'folder', () => here || enter(item.id, '', state), more)
    : linkRow({className: `row${open ? ' on' : ''}${item.unread ? ' new' : ''}`}, '/?c=' + item.id, title, '', () => say({kind: 'open', id: item.id}), ...marks, more);
  if (item.at) {                                // found: when, and in which folder
    const where = item.folder ? ['·', icon('folder', L.folder), el('span', {title: item.folder, textContent: item.folder})] : [];
    row.firstChild.append(el('div', {className: 'where'}, el('time', {textContent: item.at}), ...where));
  }
  if (open) row.firstChild.setAttribute('aria-current', folder ? 'true' : 'page');
  more.onclick = () => { const expanded = more.getAttribute('aria-expanded') === 'true'; state.shut(); if (!expanded) menu(item, row, more, root, state); };
  return row;
}

function pickRow(item, title, marks, root, state) {
  const on = state.picked.has(item.id);
  const row = linkRow({className: on ? 'row picked' : 'row'}, '/?c=' + item.id, title, '', () => {
    if (!state.picked.delete(item.id)) state.picked.add(item.id);
    draw(root, state);
  }, ...marks);
  const link = row.firstChild;
  link.setAttribute('role', 'checkbox'); link.setAttribute('aria-checked', on);
  link.addEventListener('keydown', event => { if (event.key === ' ') { event.preventDefault(); link.click(); } });
  row.prepend(el('i', {className: 'pick', textContent: on ? 'check_box' : 'check_box_outline_blank', translate: false, ariaHidden: 'true', onclick: () => link.click()}));
  return row;
}

function menu(item, row, more, root, state) {
  const {labels: L, say} = state;
  const choice = (name, label, act, className = '') => {
    const made = el('button', {className, onclick: () => { state.shut(); act(); }}, icon(name), label); made.setAttribute('role', 'menuitem'); return made;
  };
  const folder = item.kind === 'folder';
  const box = el('div', {className: 'menu'}, choice('edit', L.rename, () => rename(item, row, root, state)),
    ...(folder ? [] : [
      ...(item.archived ? [] : [choice('keep', item.pinned ? L.unpin : L.pin, () => say({kind: 'pin', id: item.id, on: !item.pinned}))]),
      choice('drive_file_move', L.move, () => say({kind: 'move', id: item.id})),
      choice(item.archived ? 'unarchive' : 'inventory_2', item.archived ? L.unarchive : L.archive, () => say({kind: 'archive', id: item.id, on: !item.archived})),
      ...(L.export ? [choice('download', L.export, () => say({kind: 'export', ids: [item.id]}))] : []),
      choice('checklist', L.select, () => { state.picked = new Set([item.id]); draw(root, state); root.querySelector('.picked a')?.focus(); })]),
    choice('delete', folder ? L['delete folder'] : L.delete, () => say({kind: folder ? 'delete folder' : 'delete', id: item.id}), 'red'));
  const outside = event => { if (!event.composedPath().includes(row)) state.shut(); };
  state.busy = true;
  state.shut = () => {
    box.remove(); more.setAttribute('aria-expanded', 'false'); document.removeEventListener('pointerdown', outside, true);
    state.shut = () => {}; state.busy = false; draw(root, state);
  };
  box.setAttribute('role', 'menu');
  box.onkeydown = event => {
    const all = [...box.children], at = all.indexOf(box.getRootNode().activeElement);
    if (event.key === 'Escape') { event.stopPropagation(); state.shut(); more.focus(); }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); all[(at + (event.key === 'ArrowDown' ? 1 : all.length - 1)) % all.length].focus(); }
  };
  more.setAttribute('aria-expanded', 'true');
  row.append(box);
  if (box.getBoundingClientRect().bottom > innerHeight) { box.style.top = 'auto'; box.style.bottom = '2rem'; }
  box.firstChild.focus();
  document.addEventListener('pointerdown', outside, true);
}

function rename(item, row, root, state) {
  const kind = {chat: 'rename', folder: 'rename folder', new: 'new folder'}[item.kind];
  const input = el('input', {value: item.title, maxLength: item.kind === 'chat' ? 80 : 60});
  input.setAttribute('aria-label', item.kind === 'chat' ? state.labels.title : state.labels['folder name']);
  let done = false;
  const end = keep => {
    if (done) return;
    done = true;
    const title = input.value.trim();
    if (keep && title && title !== item.title) { state.say({kind, id: item.id, title}); item.title = title; }
    state.busy = false; state.drawn = null; draw(root, state);
  };
  input.onkeydown = event => {
    event.stopPropagation();
    if (event.key === 'Enter' && !event.isComposing) end(true);
    if (event.key === 'Escape') end(false);
  };
  input.onblur = () => end(true);
  state.busy = true;
  row.replaceChildren(input); input.focus(); input.select();
}
