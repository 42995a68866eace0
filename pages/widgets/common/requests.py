"""Wishes: actions of the user, recorded by a callback and carried out by the next run.

A callback runs before Home.py has looked up the session, so acting in the callback would use outdated rights. The browser may report
two quick actions at once, so all wishes are kept in a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

_WISHES = "chat_intents"


def wish(kind: str, **fields: Any) -> None:
    """Record a wish for the next run."""
    st.session_state.setdefault(_WISHES, []).append({"kind": kind, **fields})


def wish_of_component(key: str) -> None:
    """Record the event of the component with this key: {"kind": ..., ...}."""
    if event := st.session_state[key].event:
        st.session_state.setdefault(_WISHES, []).append(dict(event))


def pending() -> bool:
    """Tell whether there is a pending wish. A fragment that sees one must rerun the whole page."""
    return bool(st.session_state.get(_WISHES))


def kinds() -> str:
    """Return the kinds of the pending wishes in order, separated by spaces."""
    return " ".join(str(each["kind"]) for each in st.session_state.get(_WISHES, ()))


def take() -> Sequence[Mapping[str, Any]]:
    """Remove the pending wishes and return them in order."""
    found: list[Mapping[str, Any]] = st.session_state.pop(_WISHES, [])
    return found


def put_back(wishes: Sequence[Mapping[str, Any]]) -> None:
    """Make wishes pending again that this run took but could not carry out."""
    st.session_state[_WISHES] = [*wishes, *st.session_state.get(_WISHES, ())]


def questions() -> Sequence[str]:
    """Return the texts of the questions among the pending wishes."""
    return [str(each["text"]) for each in st.session_state.get(_WISHES, ()) if each["kind"] == "ask"]
