// The bar that takes a deletion back; it goes by itself when the time is up. See pages/widgets/chat/composer/undo_bar.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.undo{display:flex;align-items:center;gap:.5rem;padding:.375rem .5rem .375rem 1rem;border-radius:.5rem;border:1px solid var(--st-border-color);
 background:var(--st-secondary-background-color);color:var(--st-text-color);font:400 .9333rem/1.5 var(--st-font)}
.undo[hidden]{display:none}
span{flex:1;min-width:0;overflow:hidden;white-space:nowrap;text-overflow:ellipsis} b{font-weight:400;font-variant-numeric:tabular-nums;color:var(--st-gray-text-color)}
button{all:unset;cursor:pointer;padding:.25rem .625rem;border-radius:.375rem;font-weight:500;color:var(--st-link-color)}
button:hover{background:color-mix(in srgb,currentColor 8%,transparent)} button:focus-visible{outline:2px solid var(--st-link-color)}
@media (pointer:coarse){button{min-height:2rem;line-height:2rem}}
`);
let shown = null;               // {id, until}: of what was deleted last
let tick = 0;

export function undo({data, parentElement, setTriggerValue}) {
  const [{id, seconds}, labels] = data, root = parentElement.querySelector('.undo'), scope = root.getRootNode();
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  if (shown?.id !== id) shown = {id, until: performance.now() + seconds * 1000};
  const {until} = shown;
  const left = document.createElement('b'), text = document.createElement('span'), button = document.createElement('button');
  text.textContent = text.title = labels.deleted; button.textContent = labels.undo;
  left.setAttribute('aria-hidden', 'true');
  button.onclick = () => { root.hidden = true; clearInterval(tick); setTriggerValue('event', {kind: 'restore', id}); };
  root.replaceChildren(text, left, button);
  const count = () => {
    const rest = Math.ceil((until - performance.now()) / 1000);
    left.textContent = `${Math.max(rest, 0)} s`;
    root.hidden = rest <= 0;
    if (rest <= 0 || !root.isConnected) clearInterval(tick);
  };
  clearInterval(tick);
  tick = setInterval(count, 250);
  count();
}
