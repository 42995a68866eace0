"""Ask the person before a tool changes something: what the model wants to do, and the buttons to decide."""

from __future__ import annotations

import json

import streamlit as st

from core.chat.tools.approval import PATIENCE_S
from core.chat.tools.records import Decision, ToolStep
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import queue_action

MAX_SHOWN = 4_000
"""Characters of the arguments that are shown at once."""


def step_request(step: ToolStep, answer_id: str) -> None:
    """Draw what the model wants to do. A click is carried out by the next run."""
    key = f"{answer_id}-{step.id}"
    with st.container(key=f"steprequest-{key}", gap="small"):
        st.markdown(f":material/pan_tool: **{plain(t('The model wants to use “{tool}”', tool=t(step.title)))}**")
        st.caption(t("This may change something. Check what it would be given:"))
        st.code(arguments_text(step.arguments), language=None, wrap_lines=True)
        with st.container(key=f"stepchoices-{key}", horizontal=True, gap="xsmall", vertical_alignment="center"):
            _choice(t("Allow"), Decision.ALLOW, step, answer_id, primary=True)
            _choice(t("Allow for this chat"), Decision.ALLOW_IN_CHAT, step, answer_id)
            _choice(t("Refuse"), Decision.REFUSE, step, answer_id)
        st.caption(t("Without a decision it is refused after {n} minutes.", n=int(PATIENCE_S / 60)))


def _choice(label: str, decision: Decision, step: ToolStep, answer_id: str, *, primary: bool = False) -> None:
    st.button(
        label, key=f"decide-{answer_id}-{step.id}-{decision}", type="primary" if primary else "secondary", on_click=queue_action,
        args=("decide",), kwargs={"answer": answer_id, "step": step.id, "decision": decision.value},
    )  # fmt: skip


def arguments_text(arguments: str) -> str:
    """Return arguments as a line each for people; as they are if they are no JSON object."""
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return _shortened(arguments)
    return _shortened("\n".join(f"{name}: {_value(value)}" for name, value in found.items())) or t("Nothing")


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = text.splitlines() or [""]
    return text if len(lines) == 1 else "\n" + "\n".join(f"  {line}" for line in lines)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
