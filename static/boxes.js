// Boxes on an image, moved by mouse, touch and keyboard. See pages/widgets/images/canvas.py.

const NS = 'http://www.w3.org/2000/svg';
const COLOURS = ['#1d4ed8', '#b45309', '#047857', '#be185d', '#6d28d9', '#0e7490'];
const MIN_SIDE = 4, FAST = 10, PAUSE = 700;
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
.boxes{position:relative;border-radius:.5rem;overflow:hidden;line-height:0;border:1px solid var(--st-border-color);background:var(--st-secondary-background-color)}
.boxes img{width:100%;display:block;user-select:none;-webkit-user-drag:none}
.boxes svg{position:absolute;inset:0;width:100%;height:100%;touch-action:pan-y}
.boxes.edit svg{cursor:crosshair}
.boxes .box{fill:transparent;stroke-width:2;vector-effect:non-scaling-stroke;outline:0}
.boxes.edit .box{cursor:move}
.boxes .box.on{fill:rgba(47,91,215,.12);stroke-width:3;touch-action:none}
.boxes .box:focus-visible{stroke-width:4;stroke-dasharray:8 4}
.boxes .handle{fill:#fff;stroke-width:2;vector-effect:non-scaling-stroke;touch-action:none}
.boxes text{fill:#fff;font-family:var(--st-font);font-weight:600;pointer-events:none;dominant-baseline:central}
.boxes .lost{display:none;padding:1rem;font:400 .9333rem/1.5 var(--st-font);color:var(--st-text-color)}
.boxes.broken .lost{display:block} .boxes.broken img,.boxes.broken svg{display:none}
`);

const shape = (name, values) => {
  const made = document.createElementNS(NS, name);
  for (const key in values) made.setAttribute(key, values[key]);
  return made;
};

export function boxes({data: [picture, given, words], parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.boxes'), scope = root.getRootNode();
  if (!scope.adoptedStyleSheets.includes(SHEET)) scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, SHEET];
  const image = root.querySelector('img'), svg = root.querySelector('svg'), lost = root.querySelector('.lost');
  const {width: W, height: H, edit} = picture;
  const state = root.state ??= {focus: null, timer: 0, dragging: false};
  if (state.dragging) return;  // What is being dragged is told when it is let go.
  clearTimeout(state.timer);
  let list = given.map(box => ({...box, edges: [...box.edges]})), chosen = picture.chosen, drawing = false;

  root.classList.toggle('edit', edit);
  if (image.getAttribute('src') !== picture.src) { root.classList.remove('broken'); image.src = picture.src; }
  image.alt = picture.alt; lost.textContent = words.lost;
  image.onerror = () => root.classList.add('broken');
  image.style.aspectRatio = `${W} / ${H}`;
  svg.setAttribute('viewBox', `0 0 ${W} ${H}`);

  const pixel = () => W / (svg.getBoundingClientRect().width || W);
  const at = event => {
    const seen = svg.getBoundingClientRect();
    return [(event.clientX - seen.left) * W / seen.width, (event.clientY - seen.top) * H / seen.height];
  };
  const tidy = ([a, b, c, d]) => [
    Math.max(0, Math.min(a, c)), Math.max(0, Math.min(b, d)), Math.min(W, Math.max(a, c)), Math.min(H, Math.max(b, d)),
  ].map(each => Math.round(each * 10) / 10);
  const within = ([a, b, c, d]) => {  // Moved, not resized: keep the size at the borders.
    const dx = Math.max(0, -a) - Math.max(0, c - W), dy = Math.max(0, -b) - Math.max(0, d - H);
    return [a + dx, b + dy, c + dx, d + dy];
  };
  const tell = () => { clearTimeout(state.timer); state.timer = 0; setTriggerValue('event', {boxes: list, chosen}); };
  const soon = () => { clearTimeout(state.timer); state.timer = setTimeout(tell, PAUSE); };
  const touched = number => { list[number] = {...list[number], by: 'person', confidence: null}; };

  function drag(event, number, edge) {
    event.preventDefault(); event.stopPropagation();
    const start = at(event), before = [...list[number].edges];
    let moved = false;
    chosen = number; state.dragging = true; draw(number);
    const move = next => {
      const [x, y] = at(next), dx = x - start[0], dy = y - start[1];
      if (!moved && Math.hypot(dx, dy) < 2 * pixel()) return;
      if (!moved) { moved = true; touched(number); }
      list[number].edges = edge
        ? [before[0] + (edge[0] < 0 ? dx : 0), before[1] + (edge[1] < 0 ? dy : 0),
           before[2] + (edge[0] > 0 ? dx : 0), before[3] + (edge[1] > 0 ? dy : 0)]
        : within([before[0] + dx, before[1] + dy, before[2] + dx, before[3] + dy]);
      draw(number);
    };
    const end = () => {
      removeEventListener('pointermove', move); removeEventListener('pointerup', end); removeEventListener('pointercancel', end);
      state.dragging = false;
      const edges = list[number].edges = tidy(list[number].edges);
      if (edges[2] - edges[0] < MIN_SIDE * pixel() || edges[3] - edges[1] < MIN_SIDE * pixel()) {
        if (edge) { list.splice(number, 1); chosen = null; }
      }
      draw(chosen); tell();
    };
    addEventListener('pointermove', move); addEventListener('pointerup', end); addEventListener('pointercancel', end);
  }

  function key(event, number) {
    const step = ARROWS[event.key];
    if (step) {
      event.preventDefault();
      const by = Math.max(1, pixel()) * (event.shiftKey ? FAST : 1), [a, b, c, d] = list[number].edges;
      const [dx, dy] = [step[0] * by, step[1] * by];
      touched(number);
      list[number].edges = event.altKey ? tidy([a, b, Math.max(a + 1, c + dx), Math.max(b + 1, d + dy)]) : tidy(within([a + dx, b + dy, c + dx, d + dy]));
      chosen = number; draw(number); soon();
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      list.splice(number, 1); chosen = null; state.focus = null; draw(); tell();
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      chosen = number; draw(number); tell();
    }
  }

  svg.onpointerdown = event => {
    if (!edit || event.target !== svg || event.pointerType === 'touch' || event.button) return;
    const [x, y] = at(event);
    list.push({label: '', confidence: null, phrase: 0, by: 'person', edges: [x, y, x + 0.1, y + 0.1]});
    drag(event, list.length - 1, [1, 1]);
  };

  function draw(focus = null) {
    drawing = true;
    svg.replaceChildren();
    const unit = pixel(), high = 20 * unit;
    list.forEach((box, number) => {
      const [a, b, c, d] = tidy(box.edges), colour = COLOURS[number % COLOURS.length], on = edit && number === chosen;
      const name = box.label || words.phrases[box.phrase] || '';
      const body = shape('rect', {x: a, y: b, width: Math.max(0.1, c - a), height: Math.max(0.1, d - b), stroke: colour, class: on ? 'box on' : 'box'});
      if (edit) {
        body.setAttribute('tabindex', 0); body.setAttribute('role', 'button');
        body.setAttribute('aria-label', words.box.replace('{n}', number + 1).replace('{name}', name));
        body.onpointerdown = event => drag(event, number);
        body.onkeydown = event => key(event, number);
        body.onfocus = () => { state.focus = number; };
        body.onblur = () => { if (!drawing) { state.focus = null; if (state.timer) tell(); } };
      }
      svg.append(body);
      const sure = box.confidence === null || box.confidence === undefined ? '' : ` ${Math.round(box.confidence * 100)} %`;
      const text = `${number + 1} ${name.length > 28 ? `${name.slice(0, 27)}…` : name}${sure}`;
      const label = shape('text', {'font-size': 12 * unit});
      label.textContent = text;
      svg.append(label);
      const wide = (label.getComputedTextLength() || text.length * 7 * unit) + 10 * unit;
      const x = Math.max(0, Math.min(a, W - wide)), y = b > high ? b - high : Math.min(b, H - high);
      const ground = shape('rect', {x, y, width: wide, height: high, rx: 3 * unit, fill: colour, 'pointer-events': 'none'});
      svg.insertBefore(ground, label);
      label.setAttribute('x', x + 5 * unit); label.setAttribute('y', y + high / 2);
      if (!on) return;
      for (const ex of [-1, 0, 1]) for (const ey of [-1, 0, 1]) if (ex || ey) {
        const size = 5 * unit, mx = ex < 0 ? a : ex > 0 ? c : (a + c) / 2, my = ey < 0 ? b : ey > 0 ? d : (b + d) / 2;
        const way = ex * ey > 0 ? 'nwse' : ex * ey < 0 ? 'nesw' : ex ? 'ew' : 'ns';
        const handle = shape('rect', {x: mx - size, y: my - size, width: 2 * size, height: 2 * size, class: 'handle', stroke: colour, style: `cursor:${way}-resize`});
        handle.onpointerdown = event => drag(event, number, [ex, ey]);
        svg.append(handle);
      }
    });
    drawing = false;
    if (focus !== null) svg.querySelectorAll('.box')[focus]?.focus({preventScroll: true});
  }

  draw(state.focus !== null && state.focus < list.length ? state.focus : null);
  state.observer?.disconnect();
  state.observer = new ResizeObserver(() => { if (!state.dragging) draw(state.focus); });
  state.observer.observe(root);
}
