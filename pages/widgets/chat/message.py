"""Text of strangers on the page: model answers, names, titles, errors. It is printed here and nowhere else.

Model text may be Markdown with code, tables, formulas and links. It may not load anything, carry HTML, or use Streamlit's own directives:
whoever can put words into a model's mouth (a document, another person) could otherwise make the reader's browser send what was said to
a server of theirs, or speak as if the portal did. See pages/markdown.
"""

from __future__ import annotations

from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.markdown.growing import Growing, whole
from pages.markdown.text import escaped
from pages.shell.words import t


def show(text: str, *, growing: Growing | None = None, caret: bool = True, instead: DeltaGenerator | None = None) -> DeltaGenerator:
    """Print model text; returns its place.

    growing: it is still being written, and a caret says so, if there is to be one. instead: the place of a text that this one replaces.
    """
    markdown = instead.markdown if instead else st.markdown
    return markdown(growing.markdown(text, caret=caret) if growing else _finished(text, leaving()), anchors=False)


def leaving() -> str:
    """What a link says on hover, before its address."""
    return t("External link:")


def plain(text: str) -> str:
    """Any text, made to show as itself where Streamlit reads Markdown: labels, captions, titles."""
    return escaped(" ".join(text.split()))


@lru_cache(maxsize=1024)
def _finished(text: str, leaving: str) -> str:
    """Remembered: a page shows its finished answers again at every rerun."""
    return whole(text, leaving)
