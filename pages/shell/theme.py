"""Compute the theme that Streamlit sends to pages only once.

Streamlit computes its six parts again from the settings for every run of a script or fragment. That is a third of the cost of a page that
draws a running answer.
"""

from __future__ import annotations

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

plain = app_session._populate_theme_msg
known: dict[str, CustomThemeConfig] = {}


def work_out_once() -> None:
    """Replace Streamlit's private function. Streamlit is pinned, and tests/pages/test_theme.py fails if this stops working."""
    app_session._populate_theme_msg = remembered


def remembered(message: CustomThemeConfig, section: str = "theme") -> None:
    """Fill in a part of the theme; compute it at the first call."""
    if section not in known:
        made = CustomThemeConfig()
        plain(made, section)
        known[section] = made
    # Merging an empty part would mark it as present.
    if known[section].ByteSize():
        message.MergeFrom(known[section])
