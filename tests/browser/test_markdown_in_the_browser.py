"""Whatever a model writes, Chromium draws what the parser saw, and asks nobody for anything."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.drawings import BATCH, drawing_page, drawn, seen
from tests.markdown_documents import documents

GENERATED = 960
"""The bench draws 5,000 and more: `./portal bench drawings`."""


def test_nothing_is_drawn_but_what_the_parser_saw(chromium: Browser, tmp_path: Path) -> None:
    texts = documents(GENERATED)
    context = chromium.new_context()
    page = context.new_page()
    strangers: list[str] = []
    with drawing_page(tmp_path, texts) as (url, batches):
        page.on("request", lambda request: strangers.append(request.url) if not request.url.startswith((url, "data:", "blob:")) else None)
        for batch in range(batches):
            found = drawn(page, url, batch)
            expected = texts[batch * BATCH : (batch + 1) * BATCH]
            assert len(found) == len(expected)
            for text, drawing in zip(expected, found, strict=True):
                assert drawing == seen(text), text
    context.close()
    assert strangers == []
