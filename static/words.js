// Streamlit has no words but English ones for its own parts. They are translated where it draws them, and nowhere else: what people wrote
// is never looked at. A word that begins with @ is only a name of something, not a text. FRAGILE, harmless when it breaks.
// See pages/shell/browser.py.

const NAMES = ['aria-label', 'title', 'placeholder'];
const MANY = 100;
let places = [];                // [selector, [[pattern, words, whether it is only a name]]]
let anywhere = '';              // the selectors of all places
const changed = new Set();      // elements to look through in the next frame
let waits = 0;

export function streamlitWords({data}) {
  const [given] = data;
  const wanted = JSON.stringify(given);
  if (wanted !== streamlitWords.given) {
    streamlitWords.given = wanted;
    places = Object.entries(given).map(([selector, words]) => [selector, Object.entries(words).map(([english, own]) => [pattern(english.replace(/^@/, '')), filled(own), english.startsWith('@')])]);
    anywhere = Object.keys(given).join();
  }
  if (!streamlitWords.watches) {
    streamlitWords.watches = new MutationObserver(note);
    streamlitWords.watches.observe(document.body, {childList: true, characterData: true, subtree: true});
  }
  look(document.body);
}

const pattern = english => new RegExp('^' + english.replace(/[.*+?^$()|[\]\\/]/g, '\\$&').replace(/\{\}/g, '(.+?)') + '$');
const filled = own => { let n = 0; return own.replace(/\$/g, '$$$$').replace(/\{\}/g, () => '$' + ++n); };

function note(records) {
  if (!anywhere) return;
  for (const {addedNodes, target, type} of records) {
    if (type === 'characterData') look(target.parentElement);
    for (const each of addedNodes) look(each.nodeType === Node.ELEMENT_NODE ? each : target);
  }
}

function look(element) {
  if (!element) return;
  if (changed.size >= MANY) { changed.clear(); element = document.body; }
  changed.add(element);
  waits ||= requestAnimationFrame(() => { waits = 0; const found = [...changed]; changed.clear(); found.forEach(translate); });
}

function translate(root) {
  if (!root.isConnected || !(root.closest(anywhere) || root.querySelector(anywhere))) return;
  for (const [selector, words] of places)
    for (const place of root.closest(selector) ? [root] : root.querySelectorAll(selector)) within(place, words);
}

function within(place, words) {
  const texts = words.filter(([, , onlyName]) => !onlyName);
  const nodes = document.createTreeWalker(place, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let at = place; at; at = nodes.nextNode()) {
    if (at.nodeType === Node.TEXT_NODE) {      // the nodes stay, since React holds them
      const own = inOwnWords(at.data, texts);
      if (own !== at.data) at.data = own;
    } else for (const name of NAMES) {
      const said = at.getAttribute(name), own = said && inOwnWords(said, words);
      if (own !== said) at.setAttribute(name, own);
    }
  }
}

function inOwnWords(said, words) {
  const bare = said.trim(), found = bare && bare.length < 200 && words.find(([english]) => english.test(bare));
  return found ? said.replace(bare, () => bare.replace(found[0], found[1])) : said;
}
