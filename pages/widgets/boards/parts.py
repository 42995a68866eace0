"""Draw what the boards have in common: the sentence, rows with bars, and empty boards."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st


def sentence(bold: str, rest: str = "") -> None:
    """Draw the sentence that begins a board. Both parts are plain text."""
    more = f" {escape(rest)}" if rest else ""
    st.html(f"<p class='sentence'><b>{escape(bold)}</b>{more}</p>")


def bar_rows(rows: Sequence[tuple[str, float, str]]) -> None:
    """Draw a name, a quiet bar and a text in each row; the largest value fills its bar."""
    top = max((value for _, value, _ in rows), default=0) or 1
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd><i><b style='width:{value / top * 100:.1f}%'></b></i><span>{escape(text)}</span></dd>"
        for name, value, text in rows
    )
    st.html(f"<dl class='hbars'>{lines}</dl>")


def keys(names: Sequence[str]) -> None:
    """Name the colours of a chart with two series."""
    words = "".join(f"<span><b class='s{number}'></b>{escape(name)}</span>" for number, name in enumerate(names, start=1))
    st.html(f"<p class='keys'>{words}</p>")
