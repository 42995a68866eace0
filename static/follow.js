// What only the browser can do. See pages/widgets/follow.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
button{all:unset;position:absolute;left:50%;bottom:calc(100% + .5rem);transform:translateX(-50%);display:none;place-items:center;cursor:pointer;
 width:2.25rem;height:2.25rem;border-radius:50%;background:var(--st-background-color);color:var(--st-text-color);border:1px solid var(--st-border-color)}
button.on{display:grid} button:focus-visible{outline:2px solid var(--st-link-color)}
i{font:400 1.2rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
@media (pointer:coarse){button{width:2.5rem;height:2.5rem}}
`);
const HANDS = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
const NEAR = 80, FAR = 160;     // px above the end: still following; far enough to offer the way back
let state = null;               // one transcript a page: {box, pane, button, hand, grown}
let following = true;           // a transcript that is drawn anew is followed as before
let shown = null;               // the conversation and the answer last followed
let aim = null;                 // the message that the address leads to, until it stands still: {answer, question, until}
let arrived = '';               // the last arrival: each is shown once
const ARRIVES_MS = 4000, STILL_MS = 900, MARK_MS = 2400;

const left = () => state.pane.scrollHeight - state.pane.clientHeight - state.pane.scrollTop;
const keepsPlace = () => 'keepsPlace' in state.pane.dataset;      // see earlier.js: the page may be short for a moment
const offer = () => state.button.classList.toggle('on', left() > FAR);
const SCROLLS = ['PageUp', 'PageDown', 'ArrowUp', 'ArrowDown', 'Home', 'End', ' '];
const onHand = event => {       // typing a question is no scrolling
  const typing = event.type === 'keydown' && (!SCROLLS.includes(event.key) || /^(TEXTAREA|INPUT)$/.test(event.composedPath()[0].tagName));
  if (state && !typing) state.hand = performance.now();
};
const onFocus = event => { if (state && event.composedPath()[0].tagName === 'TEXTAREA' && event.composedPath().includes(state.box)) following = false; };
const onScroll = () => {
  if (!state) return;
  // Only a person stops the following: a scroll event can also arrive late, after the text has grown.
  if (keepsPlace()) following = false; else if (left() < NEAR) following = true; else if (performance.now() - state.hand < 400) following = false;
  offer();
};

function attach(button) {
  const box = document.querySelector('.st-key-sidebyside') || document.querySelector('.st-key-transcript');
  if (state && state.box === box && state.button === button) return;
  detach();
  if (!box) { button.classList.remove('on'); return; }
  let pane = box.parentElement;
  while (pane && !/(auto|scroll)/.test(getComputedStyle(pane).overflowY)) pane = pane.parentElement;
  if (!pane) return;
  state = {box, pane, button, hand: -1e4};
  if (aim) following = false;
  pane.addEventListener('scroll', onScroll, {passive: true});
  HANDS.forEach(name => pane.addEventListener(name, onHand, {passive: true}));
  pane.addEventListener('focusin', onFocus);       // editing a question: it stays where it is
  state.grown = new ResizeObserver(() => { if (aim) arrive(); else if (following && !keepsPlace()) pane.scrollTop = pane.scrollHeight; offer(); });
  state.grown.observe(box);
  button.onclick = () => { following = true; pane.scrollTo({top: pane.scrollHeight, behavior: 'smooth'}); };
}

function detach() {
  if (!state) return;
  state.grown.disconnect();
  state.pane.removeEventListener('scroll', onScroll);
  state.pane.removeEventListener('focusin', onFocus);
  HANDS.forEach(name => state.pane.removeEventListener(name, onHand));
  state = null;
}

// An arrival: the message is brought into view, held there while the page is still growing above it, and marked for a moment.

function target() {
  const host = document.querySelector('.st-key-seam-' + CSS.escape(aim.answer));
  if (!host) return null;
  if (!aim.question) return (host.closest('[data-testid="stElementContainer"]') || host).nextElementSibling;
  for (const each of host.querySelectorAll('*')) { const bubble = each.shadowRoot?.querySelector('.bubble'); if (bubble) return bubble; }
  return null;
}

function arrive() {
  const late = performance.now() > aim.until, held = state && performance.now() - state.hand < 400;
  const found = state && !held && !late ? target() : null;
  if (late || held) { aim = null; return; }
  if (!found) return;
  following = false;
  found.classList.add('open');                  // a long question is folded
  const word = [...(CSS.highlights?.get('portal-find') ?? [])].find(each => found.contains(each.startContainer))?.startContainer.parentElement;
  state.pane.scrollTop += (word ?? found).getBoundingClientRect().top - state.pane.getBoundingClientRect().top - state.pane.clientHeight / 5;
  if (aim.seen) return;
  aim.seen = true;
  aim.until = performance.now() + STILL_MS;
  const colour = getComputedStyle(state.button).getPropertyValue('--st-primary-color') || '#2f5bd7';
  found.animate([0, .7, 1].map(offset => ({offset, boxShadow: `0 0 0 .375rem color-mix(in srgb, ${colour} ${offset < 1 ? 22 : 0}%, transparent)`,
    backgroundColor: offset < 1 ? `color-mix(in srgb, ${colour} 22%, transparent)` : undefined, borderRadius: '.5rem'})), MARK_MS);
}

// A chat that is opened may be written in at once. On a phone the keyboard would cover it, and whoever walks through a list stays there.
function write() {
  if (!matchMedia('(pointer:fine)').matches) return;
  const until = performance.now() + 5000;
  const place = () => {
    const field = document.querySelector('.st-key-composer textarea'), held = document.activeElement;
    const free = !held || held === document.body || held.matches?.('.stMain') || held.closest?.('.st-key-new');
    if (field && !field.disabled) { if (free) field.focus({preventScroll: true}); return; }
    if (performance.now() < until) setTimeout(place, 100);
  };
  place();
}

let watch = 0;

export function follow({data, parentElement}) {
  const [{label, arrival, ...place}] = data;
  const button = parentElement.querySelector('.jump');
  const root = button.getRootNode();
  if (!root.adoptedStyleSheets.includes(SHEET)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, SHEET];
  button.title = label; button.setAttribute('aria-label', label); button.hidden = false;
  // Another conversation starts at its newest message, and so does a new answer.
  if (state && (shown?.conversation !== place.conversation || (place.answer && shown.answer !== place.answer))) {
    following = true;
    if (!arrival) state.pane.scrollTop = state.pane.scrollHeight;     // the transcript may have been drawn already
  }
  if (shown?.conversation !== place.conversation) write();
  shown = place;
  if (arrival && arrival.once !== arrived) {
    arrived = arrival.once;
    aim = {...arrival, until: performance.now() + ARRIVES_MS};
    if (state) state.hand = -1e4;               // the click that led here is no scrolling
  }
  // The transcript may be drawn after this, and anew when another page was open in between.
  clearInterval(watch);
  watch = setInterval(() => { if (button.isConnected) { attach(button); if (aim) arrive(); } else { detach(); following = true; clearInterval(watch); } }, 100);
  attach(button);
}

let before;                     // the conversation whose sidebar was open

export function closeSidebar({data}) {
  const [{conversation}] = data;
  if (before !== undefined && before !== conversation && innerWidth < 768)
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  before = conversation;
}

const seen = new Map();         // by component: the key that was brought into view last

export function keepInSight({data, parentElement}) {
  const [{key}] = data, host = parentElement.closest?.('[class*="st-key-zero-sight"]') || parentElement;
  const name = host.className || 'row';
  if (seen.get(name) === key) return;
  seen.set(name, key);
  requestAnimationFrame(() => key && document.querySelector('.st-key-' + CSS.escape(key))?.scrollIntoView({block: 'nearest'}));
}
