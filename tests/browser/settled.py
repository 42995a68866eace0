"""Wait until a page is at rest: its script has ended and no colour changes any more. How long that takes depends on the machine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from samples.chromium import PATIENCE_MS

SETTLED = """async () => {
  const roots = [document];
  for (const root of roots) for (const each of root.querySelectorAll('*')) if (each.shadowRoot) roots.push(each.shadowRoot);
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await frame();
  await frame();
  const moving = roots.flatMap(root => root.getAnimations())
    .filter(each => each.playState === 'running' && each.effect?.getComputedTiming().endTime < 10_000);
  await Promise.race([Promise.allSettled(moving.map(each => each.finished)), new Promise(done => setTimeout(done, 2000))]);
  await document.fonts.ready;
}"""
"""Two frames begin what a pointer or a key has set off. A spinner turns for ever, and is not waited for."""
PRESSES = 10
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
UNFINISHED = "[data-testid=stSkeleton]:visible, [data-testid=stAppSkeleton]:visible"


def settle(page: Page) -> None:
    """Wait until the page's script has ended, nothing is missing, and everything that moves has come to its end."""
    page.locator(IDLE).wait_for()
    expect(page.locator(UNFINISHED)).to_have_count(0)
    page.evaluate(SETTLED)


def press_until(page: Page, key: str, condition: Callable[[], object]) -> None:
    """Press a key until the condition holds. One press is lost where the page is drawn again at that moment."""
    for _ in range(PRESSES):
        page.keyboard.press(key)
        with contextlib.suppress(AssertionError):
            return until(condition, 2)
    until(condition)


def until(condition: Callable[[], object], seconds: float = PATIENCE_MS / 1000) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
