"""Components whose script is a file under static/: a page sends a line of code per component instead of the whole of it."""

from __future__ import annotations

from hashlib import sha256

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pages.shell.frame import STATIC


def component(name: str, *, file: str, html: str) -> ComponentRenderer:
    """The component that runs the function `name` of static/<file>. A changed file has another address: no old one is kept."""
    version = sha256((STATIC / file).read_bytes()).hexdigest()[:12]
    address = f"/app/static/{file}?v={version}"
    # Two lines: Streamlit takes a single one for the path of a file.
    script = f"export default context => {{\n import(location.origin + '{address}').then(script => script.{name}(context)); }}"
    return st.components.v2.component(name, html=html, js=script)
