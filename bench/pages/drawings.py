"""Check whether Chromium draws what the parser read, and measure the parser. `./portal bench drawings [DOCUMENTS]`, by default 5,000

Needs Debian's chromium. Fails if Chromium drew an element that the parser did not see, or requested anything from another host.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.portal_parts.portal import table
from pages.markdown.growing import Growing, whole
from samples.chromium import ARGUMENTS
from samples.drawings import BATCH, drawing_page, drawn, seen
from samples.markdown_documents import ATTACKS, documents
from samples.talks import TALKS

DOCUMENTS = 5_000
CHARACTERS = 4_000
STEP = 20
"""Characters between two drawings of a growing answer."""


def compare(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return the documents that Chromium drew differently from what the parser read, and the requests to other hosts."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("This needs Debian's chromium: apt-get install chromium")
    different: list[str] = []
    strangers: list[str] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, drawing_page(Path(folder), texts) as (url, batches):
        page = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS).new_page()
        page.on("request", lambda request: strangers.append(request.url) if not request.url.startswith((url, "data:", "blob:")) else None)
        for batch in range(batches):
            expected = texts[batch * BATCH : (batch + 1) * BATCH]
            found = drawn(page, url, batch)
            different += [text for text, drawing in zip(expected, found, strict=True) if drawing != seen(text)]
            print(f"{min((batch + 1) * BATCH, len(texts))} drawn", flush=True)
        page.context.browser.close()  # type: ignore[union-attr]
    return different, strangers


def an_answer() -> str:
    """Return CHARACTERS of the answers in the tests' seed data."""
    text = "\n\n".join(talk.answer for talk in TALKS)
    return (text * (1 + CHARACTERS // len(text)))[:CHARACTERS]


def _grow(growing: Growing, answer: str, end: int) -> None:
    growing.markdown(answer[:end])


def milliseconds(act: Callable[[], object], times: int = 30) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS
    different, strangers = compare(documents(count, int(time.time())))
    answer = an_answer()
    growing = Growing()
    each = sorted(milliseconds(partial(_grow, growing, answer, end), 1) for end in range(STEP, CHARACTERS + 1, STEP))
    rows = [
        ["documents drawn", f"{len(ATTACKS) + count:,}"],
        ["drawn otherwise than the parser saw", str(len(different))],
        ["requests to outside", str(len(strangers))],
        [f"a finished answer of {CHARACTERS:,} characters, ms", f"{milliseconds(lambda: whole(answer)):.1f}"],
        [f"the same growing, {STEP} characters a drawing, median ms", f"{statistics.median(each):.2f}"],
        ["... 95 of 100 within, ms", f"{each[int(len(each) * 0.95)]:.2f}"],
    ]
    table("Markdown of strangers", ["", ""], rows)
    for text in different[:10]:
        print(repr(text))
    if different or strangers:
        raise SystemExit("\n".join(["Something was drawn that the parser did not see.", *strangers[:10]]))


if __name__ == "__main__":
    main()
