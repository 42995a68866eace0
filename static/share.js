// Copies the address of a link that was made. See pages/widgets/sharing/share_dialog.py.

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.copy{all:unset;box-sizing:border-box;cursor:pointer;display:inline-flex;align-items:center;gap:.375rem;height:2.25rem;padding:0 .625rem;border-radius:.5rem;
 font:400 .8667rem/1 var(--st-font);color:var(--st-text-color);white-space:nowrap}
.copy:hover{background:var(--st-secondary-background-color)} .copy:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
`);

export function copyLink({data, parentElement}) {
  const button = parentElement.querySelector('.copy'), sheets = button.getRootNode(), L = data[0];
  if (!sheets.adoptedStyleSheets.includes(SHEET)) sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, SHEET];
  const say = (icon, words) => {
    const sign = Object.assign(document.createElement('i'), {textContent: icon, translate: false});
    sign.setAttribute('aria-hidden', 'true');
    button.replaceChildren(sign, words);
  };
  say('link', L.copy);
  button.onclick = async () => {
    const address = location.origin + L.path;
    try { await navigator.clipboard.writeText(address); }
    catch {                                       // without HTTPS there is no clipboard
      const area = Object.assign(document.createElement('textarea'), {value: address});
      button.after(area); area.select(); document.execCommand('copy'); area.remove();
    }
    say('check', L.copied);
    setTimeout(() => say('link', L.copy), 1400);
  };
}
