// Asks the portal for unread notices, shows them by the browser, each once, and asks whether it may. See pages/shell/notice_bell.py and
// pages/widgets/account/browser_notices.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
p{margin:0;font:400 .8667rem/1.5 var(--st-font);color:var(--st-gray-text-color)}
button{all:unset;box-sizing:border-box;cursor:pointer;padding:.5rem .75rem;border-radius:.5rem;border:1px solid var(--st-border-color);
 font:400 .9333rem/1.3 var(--st-font);color:var(--st-text-color)}
button:hover{background:var(--st-secondary-background-color)} button:focus-visible{outline:2px solid var(--st-link-color)}
`);
const KEY = 'portal-notices-shown', MAX_KEPT = 100;

const supported = () => 'Notification' in window && window.isSecureContext;

export function notify({data}) {
  if (!supported() || Notification.permission !== 'granted') return;
  const [{show, title}] = data;
  const shown = read();
  const fresh = show.filter(each => !shown.includes(each.id));
  if (!fresh.length) return;
  // Noted first: the other tabs of this browser show none of them again.
  try { localStorage.setItem(KEY, JSON.stringify([...shown, ...fresh.map(each => each.id)].slice(-MAX_KEPT))); } catch { return; }
  for (const each of fresh) {
    const notice = new Notification(title, {body: each.text, tag: each.id, icon: '/app/static/favicon.svg'});
    notice.onclick = () => { window.focus(); notice.close(); };
  }
}

let bell = null;                // {say, root, every, at}: how to ask for unread notices, and when that was done last
const FRESH_MS = 2000;

// Only a visible page asks for unread notices, and at once when it becomes visible. A hidden one asks if it may show notices by the browser.
export function checks({data, parentElement, setTriggerValue}) {
  const [{every}] = data;
  const first = !bell;
  bell = {at: performance.now(), ...bell, every: 1000 * every, root: parentElement, say: () => setTriggerValue('check', Date.now())};
  if (!first) return;
  setInterval(() => check(bell.every), 1000);
  document.addEventListener('visibilitychange', () => check(FRESH_MS));
}

function check(age) {
  const wanted = !document.hidden || (supported() && Notification.permission === 'granted');
  if (!wanted || !bell.root.isConnected || performance.now() - bell.at < age) return;
  bell.at = performance.now();
  bell.say();
}

function read() {
  try { return JSON.parse(localStorage.getItem(KEY) ?? '[]'); } catch { return []; }
}

export function allow({data, parentElement}) {
  const root = parentElement.querySelector('.allow'), scope = root.getRootNode(), [words] = data;
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  const draw = () => {
    const state = supported() ? Notification.permission : 'missing';
    if (state !== 'default') {
      root.replaceChildren(Object.assign(document.createElement('p'), {textContent: words[state], role: 'status'}));
      return;
    }
    const button = Object.assign(document.createElement('button'), {textContent: words.allow, type: 'button'});
    button.onclick = async () => { await Notification.requestPermission(); draw(); };
    root.replaceChildren(button);
  };
  draw();
}
