"""Print untrusted text: model answers, names, titles, errors. No other module prints it.

Model text may be Markdown with code, tables, formulas and links. It may not load anything, contain HTML, or use Streamlit's directives:
otherwise a document or another person that influences the model's text could make the reader's browser send the conversation to a foreign
server, or show text that looks like the portal's own. See pages/markdown.
"""

from __future__ import annotations

from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.markdown.growing import Growing, whole
from pages.markdown.text import escaped
from pages.shell.words import t


def show(
    text: str, *, growing: Growing | None = None, caret: bool = True, instead: DeltaGenerator | None = None, sources: int | None = None
) -> DeltaGenerator:  # fmt: skip
    """Print model text; return its element. sources: how many sources a finished answer may cite; None if it cites none.

    growing: the state of a text that is still being written; caret: whether a caret is drawn at its end. instead: the element to replace.
    """
    markdown = instead.markdown if instead else st.markdown
    return markdown(growing.markdown(text, caret=caret) if growing else _finished(text, leaving(), sources), anchors=False)


def leaving() -> str:
    """Return the text that a link shows on hover, before its URL."""
    return t("External link:")


def plain(text: str) -> str:
    """Escape a text so that it appears unchanged where Streamlit reads Markdown: labels, captions, titles."""
    return escaped(" ".join(text.split()))


@lru_cache(maxsize=1024)
def _finished(text: str, leaving: str, sources: int | None) -> str:
    """Return the Markdown of a finished answer. It is cached, because a page shows its finished answers again at every run."""
    return whole(text, leaving, sources)
