"""What a person asked for, noted by a callback and carried out by the run that follows.

A callback runs before Home.py has looked up whose session this is; acting in it would use the rights of a moment ago. Of two things
done in quick succession the browser may tell together: none of them is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

_WISHES = "chat_intents"


def wish(kind: str, **fields: Any) -> None:
    st.session_state.setdefault(_WISHES, []).append({"kind": kind, **fields})


def wish_of_component(key: str) -> None:
    """The component with this key has told an event: {"kind": ..., ...}."""
    if event := st.session_state[key].event:
        st.session_state.setdefault(_WISHES, []).append(dict(event))


def pending() -> bool:
    """Whether there is a wish. A fragment sees it first and must let the whole page run."""
    return bool(st.session_state.get(_WISHES))


def kinds() -> str:
    """Return the kinds of the pending wishes, in their order."""
    return " ".join(str(each["kind"]) for each in st.session_state.get(_WISHES, ()))


def take() -> Sequence[Mapping[str, Any]]:
    """The wishes in their order, which are then no longer pending."""
    found: list[Mapping[str, Any]] = st.session_state.pop(_WISHES, [])
    return found


def put_back(wishes: Sequence[Mapping[str, Any]]) -> None:
    """Make wishes pending again that were taken and could not be carried out in this run."""
    st.session_state[_WISHES] = [*wishes, *st.session_state.get(_WISHES, ())]


def questions() -> Sequence[str]:
    """The questions among the pending wishes."""
    return [str(each["text"]) for each in st.session_state.get(_WISHES, ()) if each["kind"] == "ask"]
