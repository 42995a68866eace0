"""Where the page of a model file is: the Models page with the file in its address."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FILE = "file"
"""In the address: the path of the file."""


def open_report(path: Path) -> None:
    """Go to the page of a file; for `on_click`."""
    st.query_params[FILE] = str(path)
