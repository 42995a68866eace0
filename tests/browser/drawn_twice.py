"""Wait while an element stands twice in a page: Streamlit keeps what the former run drew beside the new until that run has ended.

Playwright refuses a locator that finds two elements at once, however long it may wait for one. On a quick machine nobody sees the second.
Whoever imports this lets every locator wait until its element stands once. One that always finds two fails as before, only later.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, Locator, LocatorAssertions

from samples.chromium import PATIENCE_MS

TWICE = "strict mode violation"
ACTIONS = (
    "bounding_box", "check", "clear", "click", "dispatch_event", "evaluate", "fill", "focus", "get_attribute", "hover", "inner_text",
    "input_value", "is_visible", "press", "press_sequentially", "scroll_into_view_if_needed", "select_option", "set_input_files",
    "text_content", "wait_for",
)  # fmt: skip
ASSERTIONS = tuple(name for name in vars(LocatorAssertions) if name.startswith(("to_", "not_to_")))


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        ended = time.monotonic() + PATIENCE_MS / 1000
        while True:
            try:
                return method(*arguments, **named)
            except (Error, AssertionError) as error:
                if TWICE not in str(error) or time.monotonic() > ended:
                    raise
            time.sleep(0.05)

    return call


for owner, names in ((Locator, ACTIONS), (LocatorAssertions, ASSERTIONS)):
    for name in names:
        setattr(owner, name, _patient(getattr(owner, name)))
