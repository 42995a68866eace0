// What every page needs of the browser itself: names for icons, the skip link, the list of keys, the sidebar of a phone.
// See pages/shell/browser.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
dialog{box-sizing:border-box;width:min(30rem,calc(100vw - 2rem));max-height:calc(100dvh - 4rem);padding:1.25rem 1.5rem 1.5rem;border-radius:.75rem;
 border:1px solid var(--st-border-color);background:var(--st-background-color);color:var(--st-text-color);font:400 1rem/1.5 var(--st-font)}
dialog::backdrop{background:rgb(0 0 0/.45)}
header{display:flex;align-items:center;justify-content:space-between} h2{margin:0;font:600 1.1333rem/1.5 var(--st-font)}
h3{margin:1rem 0 .25rem;font:400 .8667rem/1.5 var(--st-font);color:var(--st-gray-text-color)}
dl{display:grid;grid-template-columns:1fr auto;gap:.375rem 1rem;margin:0;font-size:.9333rem} dd{margin:0;white-space:nowrap;text-align:right}
kbd{padding:.0625rem .4375rem;border-radius:.25rem;border:1px solid var(--st-border-color);background:var(--st-secondary-background-color);font:400 .8rem/1.4 var(--st-font)}
button{all:unset;display:grid;place-items:center;width:2.25rem;height:2.25rem;margin-right:-.5rem;border-radius:.5rem;cursor:pointer}
button:hover{background:var(--st-secondary-background-color)} button:focus-visible{outline:2px solid var(--st-link-color)}
i{font:400 1.2rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
@media (pointer:coarse){button{width:2.5rem;height:2.5rem}}
`);
const PHONE = 768;              // below it Streamlit lays the sidebar over the page

const el = (tag, props, ...inside) => { const made = Object.assign(document.createElement(tag), props); made.append(...inside); return made; };
let now = null;                 // {data, dialog}: of the component that is on the page now
let page;                       // the page that was drawn last

export function shell({data, parentElement}) {
  const root = parentElement.querySelector('.shell'), scope = root.getRootNode();
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  const [given] = data;
  const drawn = JSON.stringify([given.sections, given.labels]);
  if (root.dataset.drawn !== drawn) { root.dataset.drawn = drawn; root.replaceChildren(sheet(given)); }
  now = {data: given, dialog: root.querySelector('dialog')};
  if (page !== undefined && page !== given.page) closeSidebar();
  page = given.page;
  document.documentElement.lang = given.language;
  if (!shell.listens) { shell.listens = true; listen(); }
  name();
}

function listen() {
  document.addEventListener('keydown', event => {
    const at = event.composedPath()[0];
    const typing = /^(TEXTAREA|INPUT|SELECT)$/.test(at.tagName) || at.isContentEditable;
    if (event.key !== '?' || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role="dialog"]')) return;
    event.preventDefault();
    if (!now.dialog.open) now.dialog.showModal();
  });
  document.addEventListener('click', event => {
    const way = event.composedPath();
    const skip = way.some(each => each.dataset?.testid === 'stSkipToContent');
    const field = skip && document.querySelector('.st-key-composer textarea:not(:disabled)');
    if (field) { event.preventDefault(); event.stopPropagation(); field.focus(); }
    // Of what stands in the sidebar: a page of the menu, and a new chat. Rows of chats close it by themselves.
    if (way.some(each => each.matches?.('[data-testid="stSidebarNavLink"], .st-key-new button')) && way.some(each => each.dataset?.testid === 'stSidebar'))
      setTimeout(closeSidebar, 0);
  }, true);
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
}

function closeSidebar() {
  if (innerWidth < PHONE) document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

// Streamlit names its icons after their drawings, as in "edit_square icon", some buttons not at all, and the small chart beside a figure
// by the coordinates of each point. FRAGILE, harmless when it breaks.
const SILENT = ':is([data-testid="stIconMaterial"][aria-label], [data-testid="stMetricChart"]):not([aria-hidden])';
// It takes names from labels in Markdown, with the backslashes: glm\-4\.7.
const ESCAPED = '[aria-label*="\\\\"]';
let waits = 0;

function name() {
  if (waits) return;
  waits = requestAnimationFrame(() => {
    waits = 0;
    const L = now.data.labels;
    for (const each of document.querySelectorAll(SILENT)) each.setAttribute('aria-hidden', 'true');
    for (const each of document.querySelectorAll(ESCAPED)) each.setAttribute('aria-label', each.getAttribute('aria-label').replace(/\\([!-/:-@[-`{-~])/g, '$1'));
    label('[data-testid="stExpandSidebarButton"]', L.open);
    label('[data-testid="stSidebarCollapseButton"] button', L.close);
    label('[data-testid="stMainMenuButton"], [data-testid="stMainMenu"] button', L.menu);
    label('[data-testid="stChatInputFileUploadButton"] button', L.attach);
    label('[data-testid="stChatInputSubmitButton"]', L.send);
    for (const menu of document.querySelectorAll('[data-testid="stTopNavSection"]')) mark(menu, now.data.menu);
    const skip = document.querySelector('[data-testid="stSkipToContent"]');
    if (skip && skip.textContent !== L.skip) skip.textContent = L.skip;
  });
}

// Streamlit marks the open page in the bar, but not the menu that it stands in.
function mark(menu, open) {
  const marked = open !== '' && menu.querySelector('[data-testid="stMarkdownContainer"]')?.textContent === open;
  if (menu.hasAttribute('aria-current') === marked) return;
  if (marked) menu.setAttribute('aria-current', 'true'); else menu.removeAttribute('aria-current');
}

function label(selector, words) {
  for (const each of document.querySelectorAll(selector)) if (each.getAttribute('aria-label') !== words) each.setAttribute('aria-label', words);
}

// The list of keys

function sheet({sections, labels}) {
  const close = el('button', {title: labels.done, onclick: () => dialog.close()}, el('i', {textContent: 'close', translate: false}));
  close.setAttribute('aria-label', labels.done); close.firstChild.setAttribute('aria-hidden', 'true');
  const dialog = el('dialog', {}, el('header', {}, el('h2', {textContent: labels.keys, id: 'keys'}), close), ...sections.flatMap(([title, rows]) => [
    el('h3', {textContent: title}),
    el('dl', {}, ...rows.flatMap(([words, keys]) => [el('dt', {textContent: words}), el('dd', {}, ...keys.flatMap((key, n) => [n ? ' ' : '', el('kbd', {textContent: key})]))])),
  ]));
  dialog.setAttribute('aria-labelledby', 'keys');
  dialog.onclick = event => { if (event.target === dialog) dialog.close(); };      // beside it
  dialog.onkeydown = event => { if (event.key !== 'Tab') event.stopPropagation(); };   // no shortcut of the page fires
  return dialog;
}
