"""Cards: the bordered boxes of Usage and Models. Never one inside another."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def card(key: str, title: str, sub: str) -> DeltaGenerator:
    """A bordered box: the measure or thing, then one line on its unit and population."""
    box = st.container(border=True, key=f"card-{key}", gap="xsmall")
    with box:
        card_title(title, sub)
    return box


def card_title(title: str, sub: str) -> None:
    st.markdown(f"### {title}\n:gray[:small[{sub}]]", anchors=False)
