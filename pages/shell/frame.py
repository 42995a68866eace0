"""The frame of every page: style sheet, brand, heads, blank states. Nothing here knows about data or models."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

STYLE_SHEET = Path(__file__).parent / "portal.css"
START = "chat"
"""The path of the first page, whose address is bare."""
STATIC = Path(__file__).parents[2] / "static"
FAVICON = str(STATIC / "favicon.svg")
"""A file on purpose: a `:material/` page icon would be fetched from an outside host."""


def open_page(path: str, **query: str) -> NoReturn:
    """Go to another page of the portal."""
    # Streamlit knows a page by its path alone; title and content are those that the navigation gave it.
    st.switch_page(st.Page(lambda: None, title=path, url_path=path, default=path == START), query_params=query)


def style() -> None:
    """The style sheet, once per run. A path to a .css file takes no room in the page, and neither does a bare style.

    Dialogs, popovers and menus lie outside `.stApp`, which knows the theme: light-dark() asks the root there.
    """
    st.html(STYLE_SHEET)
    st.html(f"<style>:root {{ color-scheme: {'dark' if dark() else 'light'} }}</style>")


def dark() -> bool:
    """Whether the person looks at the dark theme; right from the first run on."""
    return bool(st.context.theme.type == "dark")


def logo() -> str:
    """The path of the logo that suits the theme."""
    return str(STATIC / f"logo-{'dark' if dark() else 'light'}.svg")


def brand() -> None:
    st.logo(logo(), size="medium")


def selected(prefix: str, id: str, known: Collection[str]) -> None:
    """Mark the chosen row (a button with the key `<prefix>-<id>`) without changing its key: a key that changes loses the focus.

    The id may come from the address, so only a known one reaches the style sheet.
    """
    if id in known:
        background = "color-mix(in srgb, currentColor 8%, transparent)"
        st.html(f"<style>.st-key-{prefix}-{id} button {{ background: {background}; font-weight: 500 }}</style>")


def one_pane(hidden: str, back: str = "") -> None:
    """On a phone, hide the columns that hold what the CSS selector `hidden` names, and show the way back to them; "" hides none."""
    hide = f'[data-testid="stColumn"]:has({hidden}) {{ display: none }}' if hidden else ""
    show = f"{back} {{ display: flex !important }}" if hidden and back else ""
    st.html(f"<style>@media (max-width: 640px) {{ {hide} {show} }}</style>")


def page_head(title: str, sub: str = "", key: str = "head") -> DeltaGenerator:
    """Title on the left, actions on the right. Returns the container of the actions."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"pagehead-{key}"):
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"# {title}", anchors=False)
            if sub:
                st.caption(sub)
        return st.container(horizontal=True, horizontal_alignment="right", width="content", gap="xsmall")


def blank(title: str, text: str, action: str | None = None, key: str = "blank") -> bool:
    """One shape for empty, no rights and broken: what it is, why, the next step. True when `action` was pressed."""
    with st.container(key=key, horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"## {title}", anchors=False, text_alignment="center")
        st.caption(text, text_alignment="center")
        return bool(action) and st.button(action or "", key=f"{key}-action")
