"""Compare what Chromium draws of a text with what the parser read in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from markdown_it.token import Token
from playwright.sync_api import Page

from pages.markdown import formulas
from pages.markdown.growing import whole
from pages.markdown.reading import parser
from pages.markdown.text import JOINER
from samples.servers.ports import free_port

ROOT = Path(__file__).parents[1]
BATCH = 250

READ = """() => [...document.querySelectorAll('[class*="st-key-document-"]')].map(root => {
  const tags = [], text = [], links = [], strange = [];
  const KNOWN = new Set(['em', 'strong', 'del', 'a', 'code', 'table', 'tr', 'th', 'td', 'ul', 'ol', 'li', 'blockquote', 'hr', 'input',
                         'h1', 'h2', 'h3', 'h4', 'h5', 'h6']);
  const FRAME = new Set(['div', 'p', 'thead', 'tbody', 'br', 'pre']);
  const walk = node => {
    if (node.nodeType === 3) { text.push(node.data); return; }
    if (node.nodeType !== 1) return;
    const tag = node.tagName.toLowerCase();
    if (node.matches('.katex, .katex-display, .katex-error')) { tags.push('math'); return; }
    if (node.dataset.testid === 'stCode') { tags.push('pre'); text.push(node.querySelector('code').textContent); return; }
    if (KNOWN.has(tag)) {
      tags.push(tag);
      if (tag === 'a') links.push([node.getAttribute('href'), node.target, node.rel, node.title]);
    } else if (!FRAME.has(tag) && !(tag === 'span' && (node.hasAttribute('data-heading-text') || !node.attributes.length))) {
      strange.push(node.outerHTML.slice(0, 200));
    }
    node.childNodes.forEach(walk);
  };
  root.querySelectorAll('[data-testid="stMarkdownContainer"]').forEach(each => each.childNodes.forEach(walk));
  return {tags, text: text.join(''), links, strange};
})"""


@dataclass(frozen=True)
class Drawing:
    tags: tuple[str, ...]
    """Elements in their order. A formula is "math", whatever KaTeX makes of it."""
    text: str
    """The text without white space and formulas."""
    links: tuple[tuple[str, ...], ...]
    strange: tuple[str, ...] = ()
    """Elements that no Markdown makes."""


_TAGS = {"heading_open": "", "bullet_list_open": "ul", "ordered_list_open": "ol", "list_item_open": "li", "blockquote_open": "blockquote"}
_TAGS |= {"table_open": "table", "tr_open": "tr", "th_open": "th", "td_open": "td", "hr": "hr", "fence": "pre", "code_block": "pre"}
_TAGS |= {formulas.DISPLAY: "math", formulas.INLINE: "math", "em_open": "em", "strong_open": "strong", "s_open": "del", "link_open": "a"}
_TAGS |= {"code_inline": "code", "image": "img"}
_TASK = re.compile(r"\[[ x]\] ")


def seen(text: str) -> Drawing:
    """Return what another reading of the written Markdown finds in it: what must be drawn, and nothing else."""
    tags: list[str] = []
    words: list[str] = []
    links: list[tuple[str, ...]] = []

    def walk(tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            if token.type in _TAGS:
                tags.append(_TAGS[token.type] or token.tag)
            if token.type == "link_open":
                links.append((str(token.attrGet("href")), "_blank", "noopener noreferrer", str(token.attrGet("title"))))
            if token.type == "inline":
                children = list(token.children or [])
                if tokens[at - 2].type == "list_item_open" and _TASK.match(token.content):
                    tags.append("input")
                    children[0] = children[0].copy(content=children[0].content[4:])
                walk(children)
            elif token.type not in (formulas.INLINE, formulas.DISPLAY):
                words.append(token.content)

    walk(parser(latex=False).parse(whole(text, "External link:")))
    return Drawing(tuple(tags), _bare("".join(words)), tuple(links))


def _bare(text: str) -> str:
    # Streamlit changes this in the raw text, in code too.
    return re.sub(rf"[\s{JOINER}\ufeff]", "", text).replace(":material_", ":material/")


def drawn(page: Page, url: str, batch: int) -> list[Drawing]:
    """Return what the browser draws of the documents of this batch."""
    page.goto(f"{url}/?batch={batch}")
    page.locator(".st-key-drawn").get_by_text("drawn").wait_for()
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(300)
    return [
        Drawing(tuple(each["tags"]), _bare(each["text"]), tuple(map(tuple, each["links"])), tuple(each["strange"]))
        for each in page.evaluate(READ)
    ]


@contextmanager
def drawing_page(folder: Path, documents: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Run a Streamlit that draws these documents; yield its address and the number of batches."""
    batches = [documents[start : start + BATCH] for start in range(0, len(documents), BATCH)]
    for number, batch in enumerate(batches):
        (folder / f"{number}.json").write_text(json.dumps(batch), "utf-8")
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("drawing_page.py"))]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    with (folder / "streamlit.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DOCUMENTS": str(folder)}, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/_stcore/health", process)
            yield url, len(batches)
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("The page that draws documents did not start.")
