// Load earlier messages when somebody scrolls to the top, and keep what they read in its place. See pages/widgets/chat/flow/earlier.py.

const NEAR = 120, HAND_MS = 1000;                // px below the top; how long ago a hand may have moved
const WAIT_MS = 60_000;                          // for the messages
const STILL_MS = 1200, LONG_STILL_MS = 6000, STILL_FRAMES = 20;     // after the last move; while the page is still being drawn; on a busy machine
const HANDS = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
let hand = -1e4, held = null, ready = false;     // held: the message that stays where it is; see load()

const button = () => document.querySelector('.st-key-earlier-more button');
const find = key => document.querySelector('.st-key-transcript .' + CSS.escape(key));
const running = () => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'notRunning';
const now = () => performance.now();

function load(pane) {
  const more = button();
  if (held || !more || more.disabled || pane.scrollTop > NEAR) return;
  const edge = pane.getBoundingClientRect().top;
  const first = [...document.querySelectorAll('.st-key-transcript [class*="st-key-seam-"]')].find(each => each.getBoundingClientRect().bottom > edge);
  const key = first && [...first.classList].find(each => each.startsWith('st-key-seam-'));
  if (!key) return;
  held = {key, pane, top: first.getBoundingClientRect().top, scrolled: pane.scrollTop, moved: now(), frames: 0, seen: false};
  pane.style.overflowAnchor = 'none';            // the browser would move the page for the same reason
  pane.dataset.keepsPlace = '';                  // and follow.js to the end of a page that is short for a moment
  more.click();
  requestAnimationFrame(hold);
}

// The messages come in several redraws, between which the held one may be missing and the page short. The message goes along when a person
// scrolls; whatever else moves it is undone.
function hold() {
  const {pane} = held, by = pane.scrollTop - held.scrolled, there = find(held.key);
  if (isByHand(by)) held.top -= by;
  const moved = there ? there.getBoundingClientRect().top - held.top : 0, before = pane.scrollTop;
  if (Math.abs(moved) > 1) pane.scrollTop += moved;
  held.scrolled = pane.scrollTop;
  if (Math.abs(pane.scrollTop - before) > 1) Object.assign(held, {seen: true, moved: now(), frames: 0});
  held.frames += 1;
  if (isOver(there)) release();
  else requestAnimationFrame(hold);
}

function isByHand(by) {
  const {pane} = held, atEnd = pane.scrollTop >= pane.scrollHeight - pane.clientHeight - 1;
  return by < 0 ? !atEnd : now() - hand < HAND_MS;         // at its end, the page became shorter
}

function isOver(there) {
  const still = held.frames > STILL_FRAMES ? now() - held.moved : 0;
  if (!held.pane.isConnected || (!held.seen && there && still > WAIT_MS)) return true;
  return (held.seen || !there) && still > (running() ? LONG_STILL_MS : STILL_MS);
}

function release() {
  held.pane.style.overflowAnchor = '';
  delete held.pane.dataset.keepsPlace;
  held = null;
}

function onScroll({target}) {
  if (now() - hand <= HAND_MS && target instanceof Element && target.querySelector('.st-key-transcript')) load(target);
}

function onHand(event) {
  hand = now();
  // At the very top, a wheel scrolls nothing and no scroll event comes.
  const pane = event.type === 'wheel' && event.deltaY < 0 && document.querySelector('.st-key-transcript')?.closest('.stMain');
  if (pane) load(pane);
}

export function loadEarlier() {
  if (ready) return;
  ready = true;
  document.addEventListener('scroll', onScroll, {capture: true, passive: true});
  HANDS.forEach(name => document.addEventListener(name, onHand, {capture: true, passive: true}));
}
