"""The theme as every page is told it, worked out once.

Streamlit works its six parts out anew from the settings for every run of a script or fragment: a third of what a page costs that follows
an answer.
"""

from __future__ import annotations

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

_plain = app_session._populate_theme_msg
_known: dict[str, CustomThemeConfig] = {}


def work_out_once() -> None:
    """From now on. It is private: Streamlit is pinned, and tests/pages/test_theme.py tells when it stops to work."""
    app_session._populate_theme_msg = _remembered


def _remembered(message: CustomThemeConfig, section: str = "theme") -> None:
    if section not in _known:
        made = CustomThemeConfig()
        _plain(made, section)
        _known[section] = made
    # Only to touch a part would say that there is one.
    if _known[section].ByteSize():
        message.MergeFrom(_known[section])
