"""Cards: the bordered boxes of Usage, Models and Store. Cards are never nested."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def card(key: str, title: str, sub: str) -> DeltaGenerator:
    """Draw a bordered box with a title and a line below it, such as the unit and the population; return its container."""
    box = st.container(border=True, key=f"card-{key}", gap="xsmall")
    with box:
        card_title(title, sub)
    return box


def card_title(title: str, sub: str) -> None:
    st.markdown(f"### {title}\n:gray[:small[{sub}]]", anchors=False)


def facts_list(facts: Iterable[tuple[str, str]]) -> None:
    """Draw names and values side by side."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    st.html(f"<dl class='facts'>{rows}</dl>")
