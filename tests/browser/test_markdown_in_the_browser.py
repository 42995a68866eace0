"""For any text of a model, Chromium draws what the parser read, and sends no request."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from samples.drawings import BATCH, drawing_page, drawn, seen
from samples.markdown_documents import documents
from tests.browser.contrast import pale

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_says_that_it_leaves_the_portal_and_where_it_leads(
    chromium: Browser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    with drawing_page(
        tmp_path, ["See [the handbook](https://example.com/a?b=c&d=e) and **more**.\n\n> A [quoted link](http://example.com)."]
    ) as (url, _):
        [drawing] = drawn(page, url, 0)
        link = page.get_by_role("link", name="the handbook")
        assert drawing.links[0] == ("https://example.com/a?b=c&d=e", "_blank", "noopener noreferrer", link.get_attribute("title"))
        assert link.get_attribute("title") == "External link: https://example.com/a?b=c&d=e"
        assert "arrow_outward" in link.evaluate("link => getComputedStyle(link, '::after').content")
        link.hover()
        assert pale(page) == []
        page.screenshot(path=tmp_path / "link.png")
    context.close()
