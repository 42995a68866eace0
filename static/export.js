// Downloads exported chats. An error of the server is shown below the button. See pages/widgets/chat/sidebar/export_dialog.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
button{all:unset;box-sizing:border-box;cursor:pointer;display:inline-flex;align-items:center;gap:.375rem;min-height:2.25rem;padding:0 .875rem;
 border-radius:.5rem;font:400 .9333rem/1.2 var(--st-font);color:#fff;background:var(--st-primary-color)}
button:hover{filter:brightness(1.08)} button:focus-visible{outline:2px solid var(--st-link-color);outline-offset:2px}
button[aria-disabled=true]{opacity:.65;cursor:progress}
i{font:400 1.15rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
p{margin:.5rem 0 0;font:400 .9333rem/1.5 var(--st-font);color:var(--st-red-text-color)} p:empty{display:none}
`);

export function exported({data, parentElement}) {
  const [L, address] = data, button = parentElement.querySelector('button'), problem = parentElement.querySelector('p'), root = button.getRootNode();
  if (!root.adoptedStyleSheets.includes(SHEET)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, SHEET];
  const say = (icon, words, busy) => {
    const sign = Object.assign(document.createElement('i'), {textContent: icon, translate: false});
    sign.setAttribute('aria-hidden', 'true');
    button.replaceChildren(sign, words);
    button.setAttribute('aria-disabled', busy);
  };
  say('download', L.download, false);
  problem.textContent = '';
  button.onclick = async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    say('hourglass_top', L.working, true);
    problem.textContent = '';
    try {
      const answer = await fetch(address, {credentials: 'same-origin'});
      if (answer.ok) save(await answer.blob(), nameOf(answer.headers.get('Content-Disposition') ?? ''));
      else problem.textContent = await sentence(answer, L);
    } catch {
      problem.textContent = L.away;
    }
    say('download', L.download, false);
  };
}

async function sentence(answer, L) {
  try {
    const {error} = await answer.json();
    return error.message ? translated(error.message, L.sentences) : L.failed;
  } catch { return L.failed; }
}

// sentences: English templates with {names}, each with its translation.
function translated(message, sentences) {
  for (const [english, words] of sentences) {
    const names = [];
    const pattern = english.split(/\{(\w+)[^}]*\}/).map((part, n) => n % 2 ? (names.push(part), '(.+?)') : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const found = new RegExp(`^${pattern.join('')}$`, 's').exec(message);
    if (found) return words.replace(/\{(\w+)[^}]*\}/g, (_, name) => found[names.indexOf(name) + 1] ?? '');
  }
  return message;
}

function nameOf(disposition) {
  const whole = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  return whole ? decodeURIComponent(whole[1]) : /filename="?([^";]+)"?/i.exec(disposition)?.[1] ?? 'chats';
}

function save(blob, download) {
  const href = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), {href, download});
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
