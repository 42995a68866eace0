"""Choose the models that answer the next question side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.chat.records import TurnOptions
from core.chat.turns import MAX_LANES
from core.inference.records import ServedModel
from core.review.records import Comparison
from pages.shell.words import t
from pages.widgets.chat.composer.composer import model_title, options

_CHOSEN, _SEPARATE = "chat_lanes", "chat_lanes_separate"
_MODELS, _THREADS = "lane-models", "lane-separate"


def lanes(models: Sequence[ServedModel], going_on: Comparison | None = None) -> list[TurnOptions]:
    """Return the options for each answer to the next question: one answer, or two to four side by side.

    going_on: the round that waits for a vote. If its threads are separate, the next question goes to the same models.
    """
    own = options(models)
    if going_on is not None and going_on.separate:
        return [replace(own, model=lane.model or None, own_thread=True) for lane in going_on.lanes]
    chosen, separate = _chosen(models), bool(st.session_state.get(_SEPARATE))
    return [replace(own, model=each, own_thread=separate) for each in chosen] if len(chosen) > 1 else [own]


def lane_choice(models: Sequence[ServedModel]) -> None:
    """Draw the choice in the composer's bar if there is more than one model."""
    titles = {name: model_title(each, name) for each in models for name in each.names}
    if len(titles) < 2:
        return
    chosen = _chosen(models)
    label = t("Ask {n} models", n=len(chosen)) if len(chosen) > 1 else t("Side by side")
    with st.popover(label, icon=":material/view_column_2:", type="tertiary", key="lanechoice"):
        st.caption(t("Choose two to four models. Each answers the next question."))
        st.session_state[_MODELS], st.session_state[_THREADS] = chosen, bool(st.session_state.get(_SEPARATE))
        st.multiselect(
            t("Models"), list(titles), max_selections=MAX_LANES, format_func=titles.__getitem__, placeholder=t("Choose models"),
            key=_MODELS, on_change=_keep,
        )  # fmt: skip
        st.toggle(
            t("Separate threads"), key=_THREADS, on_change=_keep,
            help=t("Until you vote, each model reads only its own earlier answers. Otherwise all read the one that you prefer."),
        )  # fmt: skip


def _keep() -> None:
    """Keep what was chosen before anything is drawn: the whole bar says it. Streamlit forgets a widget that is not drawn."""
    st.session_state[_CHOSEN], st.session_state[_SEPARATE] = st.session_state[_MODELS], st.session_state[_THREADS]


def _chosen(models: Sequence[ServedModel]) -> list[str]:
    known = {name for each in models for name in each.names}
    return [each for each in st.session_state.get(_CHOSEN, []) if each in known]
