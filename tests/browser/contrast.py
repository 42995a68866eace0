"""Compute how well text stands out from its background, by WCAG's formula: 4.5:1, and 3:1 for large text and icons."""

from __future__ import annotations

from playwright.sync_api import Page

MEASURE = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgba = colour => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                                         .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const parent = el => el.assignedSlot || el.parentElement || (el.getRootNode() instanceof ShadowRoot ? el.getRootNode().host : null);
  const found = [], texts = [];
  const collect = root => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === 1) { if (node.shadowRoot) collect(node.shadowRoot); continue; }
      if (node.data.trim() && node.parentElement) texts.push(node);
    }
  };
  collect(document.body);
  for (const node of texts) {
    const el = node.parentElement;
    if (el.closest('style, script, noscript, [disabled], [aria-disabled=true], [data-testid=stSkeleton]')) continue;
    if (el.namespaceURI.includes('svg') || !el.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || box.right < 0 || box.bottom < 0 || box.left > innerWidth || box.top > innerHeight) continue;
    const within = (value, most) => Math.min(Math.max(value, 0), most - 1);
    const x = within(box.left + box.width / 2, innerWidth), y = within(box.top + box.height / 2, innerHeight);
    const inside = el => el?.shadowRoot?.elementFromPoint(x, y);
    let top = document.elementFromPoint(x, y);
    while (inside(top) && inside(top) !== top) top = inside(top);
    let related = false;
    for (let up = top; up; up = parent(up)) related ||= up === el;
    for (let up = el; up; up = parent(up)) related ||= up === top;
    if (!related) continue;                                      // something lies over it
    const style = getComputedStyle(el);
    const grounds = [];
    let opacity = 1, picture = false;
    for (let up = el; up; up = parent(up)) {
      const own = getComputedStyle(up);
      opacity *= +own.opacity;
      picture ||= own.backgroundImage !== 'none' || own.backgroundClip === 'text';
      if (!grounds.length || grounds[grounds.length - 1][3] < 1) grounds.push(rgba(own.backgroundColor));
    }
    if (picture) continue;
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    let ground = scheme.includes('dark') ? [0, 0, 0, 1] : [255, 255, 255, 1];
    for (const each of grounds.reverse()) ground = over(each, ground);
    const [r, g, b, a] = rgba(style.color);
    const ink = over([r, g, b, a * opacity], ground);
    const [high, low] = [light(ink), light(ground)].sort((p, q) => q - p);
    const ratio = (high + .05) / (low + .05);
    const size = parseFloat(style.fontSize);
    const icon = /Material Symbols/.test(style.fontFamily);
    const large = icon || size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5) - .005)
      found.push([ratio.toFixed(2), JSON.stringify(node.data.trim().slice(0, 40)), el.closest('[class*=st-key-]')?.className,
                  `<${el.tagName.toLowerCase()}>`, style.color, 'on', ground.slice(0, 3).map(Math.round)].join(' '));
  }
  return {found: [...new Set(found)], texts: texts.length};
}"""


def pale(page: Page) -> list[str]:
    """Return every text on the screen that is too pale, with its ratio. There must be some text at all."""
    measured = page.evaluate(MEASURE)
    assert measured["texts"] > 3, "nothing is drawn"
    return [str(each) for each in measured["found"]]
