// Sends a model file to the portal in pieces and goes on where an earlier try stopped. See pages/widgets/get_model/upload.py.

const PIECE = 4 * 1024 * 1024, TRIES = 6, WAIT = 1000;
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.upload{display:flex;flex-direction:column;gap:.5rem;font:400 .9333rem/1.5 var(--st-font);color:var(--st-text-color)}
label,button{all:unset;box-sizing:border-box;cursor:pointer;align-self:flex-start;padding:.4rem .75rem;border-radius:.5rem;border:1px solid var(--st-border-color)}
label:hover,button:hover{background:color-mix(in srgb,currentColor 8%,transparent)}
label:focus-within,button:focus-visible{outline:2px solid var(--st-link-color)}
input{position:absolute;opacity:0;width:1px;height:1px}
progress{width:100%;height:.5rem;accent-color:var(--st-primary-color)}
p{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums} p.wrong{color:var(--st-red-text-color)}
[hidden]{display:none}
@media (pointer:coarse){label,button{min-height:2.5rem}}
`);

const pause = ms => new Promise(done => setTimeout(done, ms));
const amount = bytes => bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;

async function ask(method, query, body) {
  const answer = await fetch(`/api/v1/models/upload?${new URLSearchParams(query)}`, {
    method, credentials: 'same-origin', body, headers: body ? {'Content-Type': 'application/octet-stream'} : {},
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said.received;
  const problem = new Error(said.error?.message || said.message || said.detail || `HTTP ${answer.status}`);
  problem.status = answer.status;
  throw problem;
}

async function send(file, told, stopped) {
  const where = {name: file.name, total: file.size};
  let here = await ask('GET', where), failures = 0;
  const began = performance.now(), from = here;
  while (here < file.size && !stopped()) {
    try {
      here = await ask('PUT', {...where, offset: here}, file.slice(here, here + PIECE));
      failures = 0;
    } catch (problem) {
      // Another piece may have arrived although its answer did not: ask, and go on from there.
      if ((problem.status && problem.status !== 409 && problem.status < 500) || ++failures > TRIES) throw problem;
      await pause(WAIT * failures);
      here = await ask('GET', where).catch(again => { if (again.status) throw again; return here; });
    }
    told(here, (here - from) / Math.max(0.001, (performance.now() - began) / 1000));
  }
  return here >= file.size;
}

export function upload({data: words, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.upload'), scope = root.getRootNode();
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  if (root.dataset.ready) return;
  root.dataset.ready = '1';
  const label = document.createElement('label'), input = document.createElement('input'), bar = document.createElement('progress');
  const text = document.createElement('p'), stop = document.createElement('button');
  input.type = 'file'; input.accept = '.gguf';
  label.append(words.choose, input); stop.textContent = words.cancel; bar.max = 1; bar.hidden = stop.hidden = true;
  text.setAttribute('role', 'status');
  root.append(label, text, bar, stop);
  let cancelled = false;
  stop.onclick = () => { cancelled = true; };
  input.onchange = async () => {
    const file = input.files[0];
    if (!file) return;
    cancelled = false; label.hidden = true; bar.hidden = stop.hidden = false; bar.value = 0; text.className = ''; text.textContent = file.name;
    try {
      const done = await send(file, (here, speed) => {
        bar.value = here / file.size;
        text.textContent = `${file.name}: ${amount(here)} / ${amount(file.size)} · ${amount(speed)}/s`;
      }, () => cancelled || !root.isConnected);
      text.textContent = done ? `${file.name}: ${words.done}` : words.stopped;
      if (done) setTriggerValue('event', {kind: 'done', name: file.name});
    } catch (problem) {
      text.className = 'wrong'; text.textContent = problem.message || words.failed;
    }
    label.hidden = false; bar.hidden = stop.hidden = true; input.value = '';
  };
}
