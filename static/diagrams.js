// Diagrams in answers: a block of Mermaid becomes a picture with a switch to its source. See pages/widgets/chat/flow/diagrams.py.
// Mermaid makes SVG of what a model wrote. It does so in its strict mode, with no setting that the text may change, and the SVG is shown
// as an image: in one, a browser runs no script, follows no link and loads nothing.

const BLOCKS = ['transcript', 'sidebyside'].map(key => `[class*="st-key-${key}"] code.language-mermaidsource`).join();
const LOADS = /@\{[^]*?(\bimg\b|\\)/;                       // would have the library look for a picture elsewhere
const ACTS = /::icon\(.*|^\s*(links?|properties|details)\s[^\n:>-]+:.*/gim;      // icons, and menus of people in a sequence: pictures have none
const MAX_CHARACTERS = 10_000, MAX_EDGES = 200;            // it draws on the page's own thread
const FONT = 'Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';       // an image has none of the page's fonts
const DRAWN = new WeakMap();                                 // block -> what it was drawn from
let library, drawing = Promise.resolve(), number = 0;

export function diagrams({data}) {
  const [labels, address, running] = data;
  const look = () => {
    for (const box of document.querySelectorAll('.diagram')) if (!DRAWN.has(box.nextElementSibling)) box.remove();     // its block was drawn anew
    if (running) return;
    for (const code of document.querySelectorAll(BLOCKS)) {
      const block = code.closest('[data-testid=stCode]'), dark = isDark(), from = `${dark} ${code.textContent}`;
      if (!block || DRAWN.get(block) === from) continue;
      DRAWN.set(block, from);
      drawing = drawing.then(() => draw(block, code.textContent, dark, labels, address));
    }
  };
  look();
  let waiting = 0;
  const watcher = new MutationObserver(() => { waiting ||= setTimeout(() => { waiting = 0; look(); }, 400); });
  watcher.observe(document.querySelector('.stMain') ?? document.body, {childList: true, subtree: true});
  return () => { watcher.disconnect(); clearTimeout(waiting); };
}

const isDark = () => getComputedStyle(document.documentElement).colorScheme.includes('dark');

async function draw(block, source, dark, L, address) {
  const before = block.previousElementSibling?.matches('.diagram') ? block.previousElementSibling : null;
  const box = Object.assign(document.createElement('div'), {className: 'diagram'});
  try {
    const picture = Object.assign(new Image(), {src: await pictureOf(source, dark, address), alt: `${L.diagram}: ${kind(source)}`});
    await picture.decode();
    const turn = Object.assign(document.createElement('button'), {type: 'button', textContent: L.source});
    const show = drawn => {
      picture.hidden = !drawn; turn.textContent = drawn ? L.source : L.drawing;
      if (drawn) block.dataset.drawn = ''; else delete block.dataset.drawn;
    };
    turn.onclick = () => show(picture.hidden);
    box.append(picture, turn);
    show(true);
  } catch {
    delete block.dataset.drawn;
    box.append(Object.assign(document.createElement('p'), {textContent: L.failed}));
  }
  before?.remove();
  if (block.isConnected) block.before(box);
}

const kind = source => source.split('\n').map(line => line.trim()).find(line => line && !line.startsWith('%%') && !line.startsWith('---'))?.split(/[\s:;]/)[0] ?? '';

// No text of a diagram needs tags: what looks like one is written so that nothing can take it for HTML.
const harmless = source => source.replace(ACTS, '').replace(/<<\w+>>|<br\s*\/?>|<(?=[a-z!\/?])/gi, found => found === '<' ? '\u2039' : found);

async function pictureOf(source, dark, address) {
  if (!address || source.length > MAX_CHARACTERS || LOADS.test(source)) throw new Error('not drawn');
  library ??= (await import(location.origin + address)).default;
  library.initialize(settings(library, dark));
  const room = Object.assign(document.createElement('div'), {className: 'diagramroom', ariaHidden: 'true', inert: true});
  document.body.append(room);
  try {
    const {svg} = await library.render(`diagram-${++number}`, harmless(source), room);
    return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(clean(svg))}`;
  } finally {
    room.remove();
  }
}

function settings(library, dark) {
  const colours = dark
    ? {background: '#17181a', primaryColor: '#26314d', primaryTextColor: '#e9eaec', primaryBorderColor: '#7f9ff5', lineColor: '#a4a9b1',
       secondaryColor: '#14312a', tertiaryColor: '#232528', textColor: '#e9eaec', noteBkgColor: '#38291a', noteTextColor: '#efb36e'}
    : {background: '#ffffff', primaryColor: '#e9eefc', primaryTextColor: '#101215', primaryBorderColor: '#2f5bd7', lineColor: '#5a6068',
       secondaryColor: '#e6f5ee', tertiaryColor: '#f4f5f6', textColor: '#101215', noteBkgColor: '#fdf1e1', noteTextColor: '#8f4a06'};
  return {
    startOnLoad: false, suppressErrorRendering: true, securityLevel: 'strict', maxTextSize: MAX_CHARACTERS, maxEdges: MAX_EDGES,
    htmlLabels: false, flowchart: {htmlLabels: false}, theme: 'base', fontFamily: FONT,
    themeVariables: {...colours, darkMode: dark, fontFamily: FONT, fontSize: '14px'},
    secure: Object.keys(library.mermaidAPI.defaultConfig),   // nothing of this can be changed by a diagram
  };
}

// A picture that is saved to a file and opened from there must be as harmless.
function clean(svg) {
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml'), root = parsed.documentElement;
  if (root.localName !== 'svg' || parsed.querySelector('parsererror')) throw new Error('not drawn');
  for (const each of root.querySelectorAll('script, foreignObject, iframe, image, animate, set')) each.remove();
  for (const each of [root, ...root.querySelectorAll('*')])
    for (const {name, value} of [...each.attributes])
      if (/^on/i.test(name) || (/(^|:)href$/i.test(name) && !value.startsWith('#'))) each.removeAttribute(name);
  const [, , width, height] = (root.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number);
  if (width > 0 && height > 0) { root.setAttribute('width', width); root.setAttribute('height', height); }
  return new XMLSerializer().serializeToString(root);
}
