"""Components whose script is a file under static/: a page sends one line of code per component instead of the whole script."""

from __future__ import annotations

from hashlib import sha256

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pages.shell.frame import STATIC


def component(name: str, *, file: str, html: str) -> ComponentRenderer:
    """Return the component that runs the function `name` of static/<file>. A changed file gets a new URL, so browsers use no old copy."""
    version = sha256((STATIC / file).read_bytes()).hexdigest()[:12]
    address = f"/app/static/{file}?v={version}"
    # Two lines: Streamlit reads a single line as the path of a file.
    script = f"export default context => {{\n import(location.origin + '{address}').then(script => script.{name}(context)); }}"
    return st.components.v2.component(name, html=html, js=script)
