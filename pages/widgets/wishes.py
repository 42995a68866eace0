"""What a person asked for, noted by a callback and carried out by the run that follows.

A callback runs before Home.py has looked up whose session this is; acting in it would use the rights of a moment ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

_WISH = "chat_intent"


def wish(kind: str, **fields: Any) -> None:
    st.session_state[_WISH] = {"kind": kind, **fields}


def wish_of_component(key: str) -> None:
    """The component with this key has told an event: {"kind": ..., ...}."""
    if event := st.session_state[key].event:
        st.session_state[_WISH] = dict(event)


def pending() -> bool:
    """Whether there is a wish. A fragment sees it first and must let the whole page run."""
    return _WISH in st.session_state


def take() -> Mapping[str, Any] | None:
    """The wish, which is then no longer pending."""
    found: Mapping[str, Any] | None = st.session_state.pop(_WISH, None)
    return found
