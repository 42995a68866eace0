"""The URL of a model file's page: the Models page with the file as a query parameter."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FILE = "file"
"""The query parameter with the path of the file."""


def open_report(path: Path) -> None:
    """Open the page of a file; for `on_click`."""
    st.query_params[FILE] = str(path)
