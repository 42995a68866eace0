"""Record layout shifts in the browser: what was visible and moved without a click, a key or a scroll, and how far."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

_WATCH = """() => {
  const name = node => {
    const found = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    const keyed = found?.closest?.('[class*="st-key-"]');
    const key = keyed ? [...keyed.classList].find(each => each.startsWith('st-key-')) : '';
    const own = found ? found.localName + (found.dataset?.testid ? `[${found.dataset.testid}]` : '') : '(gone)';
    return `${key} ${own} ${(node?.textContent ?? '').trim().slice(0, 40)}`.trim();
  };
  const rect = each => [each.x, each.y, each.width, each.height].map(Math.round).join(' ');
  window.layoutShifts = [];
  window.layoutShiftWatcher?.disconnect();
  window.layoutShiftWatcher = new PerformanceObserver(list => list.getEntries().forEach(each => {
    if (each.hadRecentInput) return;
    const moved = each.sources.map(one => `${name(one.node)}: ${rect(one.previousRect)} -> ${rect(one.currentRect)}`);
    window.layoutShifts.push([each.startTime, each.value, moved]);
  }));
  window.layoutShiftWatcher.observe({type: 'layout-shift', buffered: false});
}"""


@dataclass(frozen=True, slots=True)
class LayoutShift:
    """One frame in which something moved. value: the share of the viewport times the share of the way, as browsers define it.

    moved: "element: x y width height -> x y width height", at most five of them, largest first.
    """

    at_ms: float
    value: float
    moved: tuple[str, ...]

    def __str__(self) -> str:
        return "\n    ".join((f"{self.value:.5f} at {self.at_ms:.0f} ms", *self.moved))


def watch_layout_shifts(page: Page) -> None:
    """Start recording; forget earlier shifts. A new load of the page ends it."""
    page.evaluate(_WATCH)


def layout_shifts(page: Page) -> list[LayoutShift]:
    """Return the shifts since the recording began."""
    # The observer is called after the frame: wait for two.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    return [LayoutShift(at, value, tuple(moved)) for at, value, moved in page.evaluate("window.layoutShifts")]
