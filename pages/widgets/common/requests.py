"""Keep the actions that the user requested: a callback records them, and the next run carries them out.

A callback runs before Home.py has looked up the session, so acting in the callback would use outdated rights. The browser may report
two quick actions at once, so all requests are kept in a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

_ACTIONS = "chat_intents"
_DONE = "forms_done"


def queue_action(kind: str, **fields: Any) -> None:
    """Record an action for the next run."""
    st.session_state.setdefault(_ACTIONS, []).append({"kind": kind, **fields})


def queue_component_action(key: str) -> None:
    """Record the event of the component with this key: {"kind": ..., ...}."""
    if event := st.session_state[key].event:
        st.session_state.setdefault(_ACTIONS, []).append(dict(event))


def pending() -> bool:
    """Tell whether an action is pending. A fragment that sees one must rerun the whole page."""
    return bool(st.session_state.get(_ACTIONS))


def kinds() -> str:
    """Return the kinds of the pending requests in order, separated by spaces."""
    return " ".join(str(each["kind"]) for each in st.session_state.get(_ACTIONS, ()))


def take() -> Sequence[Mapping[str, Any]]:
    """Remove the pending requests and return them in order."""
    found: list[Mapping[str, Any]] = st.session_state.pop(_ACTIONS, [])
    return found


def put_back(actions: Sequence[Mapping[str, Any]]) -> None:
    """Make requests pending again that this run took but could not carry out."""
    st.session_state[_ACTIONS] = [*actions, *st.session_state.get(_ACTIONS, ())]


def questions() -> Sequence[str]:
    """Return the texts of the questions among the pending requests."""
    return [str(each["text"]) for each in st.session_state.get(_ACTIONS, ()) if each["kind"] == "ask"]


# Forms: Streamlit's own `clear_on_submit` empties one also when it is refused, and what was typed is lost


def carried_out(form: str) -> None:
    """Note that the form was carried out, so that the next run draws its first values."""
    st.session_state.setdefault(_DONE, set()).add(form)


def first_values(form: str, values: Mapping[str, Any]) -> None:
    """Give the fields with these keys their first values, again once the form was carried out. Call it before they are drawn."""
    done: set[str] = st.session_state.get(_DONE, set())
    for key, value in values.items():
        if form in done or key not in st.session_state:
            st.session_state[key] = value
    done.discard(form)
