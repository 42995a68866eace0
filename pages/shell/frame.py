"""The frame of every page: style sheet, brand, page heads, blank states. It does not depend on data or models."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

STYLE_SHEET = Path(__file__).parent / "portal.css"
START = "chat"
"""The path of the start page, whose URL has no path."""
STATIC = Path(__file__).parents[2] / "static"
FAVICON = str(STATIC / "favicon.svg")
"""The path of the icon. It is a file because the browser would fetch a `:material/` icon from an external host."""


def open_page(path: str, **query: str) -> NoReturn:
    """Go to another page of the portal."""
    # Streamlit identifies a page by its path; title and content come from the navigation.
    st.switch_page(st.Page(lambda: None, title=path, url_path=path, default=path == START), query_params=query)


def style() -> None:
    """Add the style sheet, once per run. A path to a .css file takes no space in the page, and neither does a bare style.

    Dialogs, popovers and menus are outside `.stApp`, which has the theme; for them, light-dark() uses the root element.
    """
    st.html(STYLE_SHEET)
    st.html(f"<style>:root {{ color-scheme: {'dark' if dark() else 'light'} }}</style>")


def dark() -> bool:
    """Tell whether the dark theme is shown; this is correct from the first run on."""
    return bool(st.context.theme.type == "dark")


def logo() -> str:
    """Return the path of the logo for the current theme."""
    return str(STATIC / f"logo-{'dark' if dark() else 'light'}.svg")


def brand() -> None:
    st.logo(logo(), size="medium")


def selected(prefix: str, id: str, known: Collection[str]) -> None:
    """Mark the chosen row (a button with the key `<prefix>-<id>`) by CSS: changing its key would lose the focus.

    The id may come from the URL, so only a known id is written to the style sheet.
    """
    if id in known:
        background = "color-mix(in srgb, currentColor 8%, transparent)"
        st.html(f"<style>.st-key-{prefix}-{id} button {{ background: {background}; font-weight: 500 }}</style>")


def one_pane(hidden: str, back: str = "") -> None:
    """Hide, on a phone, the columns with elements that match the CSS selector `hidden`, and show a link back; "" hides none."""
    hide = f'[data-testid="stColumn"]:has({hidden}) {{ display: none }}' if hidden else ""
    show = f"{back} {{ display: flex !important }}" if hidden and back else ""
    st.html(f"<style>@media (max-width: 640px) {{ {hide} {show} }}</style>")


def page_head(title: str, sub: str = "", key: str = "head") -> DeltaGenerator:
    """Draw the title on the left; return the container for the actions on the right."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"pagehead-{key}"):
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"# {title}", anchors=False)
            if sub:
                st.caption(sub)
        return st.container(horizontal=True, horizontal_alignment="right", width="content", gap="xsmall")


def blank(title: str, text: str, action: str | None = None, key: str = "blank") -> bool:
    """Draw an empty, forbidden or failed state: title, reason and next step. Return True if `action` was pressed."""
    with st.container(key=key, horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"## {title}", anchors=False, text_alignment="center")
        st.caption(text, text_alignment="center")
        return bool(action) and st.button(action or "", key=f"{key}-action")
