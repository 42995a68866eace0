"""The theme as every page is told it, worked out once.

Streamlit works its six parts out anew from the settings for every run of a script or fragment: a third of what a page costs that follows
an answer.
"""

from __future__ import annotations

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

plain = app_session._populate_theme_msg
known: dict[str, CustomThemeConfig] = {}


def work_out_once() -> None:
    """From now on. It is private: Streamlit is pinned, and tests/pages/test_theme.py tells when it stops to work."""
    app_session._populate_theme_msg = remembered


def remembered(message: CustomThemeConfig, section: str = "theme") -> None:
    if section not in known:
        made = CustomThemeConfig()
        plain(made, section)
        known[section] = made
    # Only to touch a part would say that there is one.
    if known[section].ByteSize():
        message.MergeFrom(known[section])
