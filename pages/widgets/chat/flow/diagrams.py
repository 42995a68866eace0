"""Draw Mermaid blocks of answers as pictures, in the browser, with the Mermaid library that Streamlit ships."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import streamlit as st

from pages.shell.words import t
from pages.widgets.common.script import component

SCRIPTS = Path(st.__file__).parent / "static" / "static" / "js"
_diagrams = component("diagrams", file="diagrams.js", html="<i></i>")


def diagrams(texts: Iterable[str], *, running: bool = False) -> None:
    """Draw the diagrams in these texts. running: an answer is still being written, so they are not drawn yet."""
    if not any("mermaid" in text.lower() for text in texts):
        return
    labels = {
        "diagram": t("Diagram"),
        "source": t("Show the source"),
        "drawing": t("Show the drawing"),
        "failed": t("This diagram cannot be drawn. Its source:"),
    }
    with st.container(key="zero-diagrams"):
        _diagrams(key="diagrams", data=[labels, library(), running], height=1)


@cache
def library() -> str:
    """Return the URL of Mermaid among Streamlit's scripts, whose name changes with Streamlit's version; "" if it is not there."""
    found = sorted(SCRIPTS.glob("mermaid.core.*.js"))
    return f"/static/js/{found[0].name}" if found else ""
