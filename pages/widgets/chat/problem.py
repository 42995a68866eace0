"""The error above the composer, kept in the session until the user does something else."""

from __future__ import annotations

import streamlit as st

_PROBLEM = "chat_problem"


def report_problem(sentence: str) -> None:
    """Keep an error, to be shown above the composer."""
    st.session_state[_PROBLEM] = {"sentence": sentence}


def problem_of(conversation_id: str | None) -> str:
    """Return the error to show above the composer. It belongs to the chat in which it is first shown, and disappears with it."""
    stored = st.session_state.get(_PROBLEM, {"sentence": ""})
    if stored.setdefault("chat", conversation_id) == conversation_id:
        return str(stored["sentence"])
    forget_problem()
    return ""


def forget_problem() -> None:
    """Remove the error."""
    st.session_state.pop(_PROBLEM, None)
