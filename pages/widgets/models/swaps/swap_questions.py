"""Recent swaps, and the questions that new versions must answer: canary and replay questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.records import LoadedModel
from core.models.swaps.swaps import LANGUAGES, MAX_QUESTION_LENGTH
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import age
from pages.widgets.common.requests import carried_out, first_values
from pages.widgets.models.swaps.swap_form import SWAP
from pages.widgets.models.swaps.swap_view import state_badge

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN = 5
_IN = {"": "Any language", "en": "English", "zh": "Chinese"}


def swaps_card(portal: Portal, user: User, loaded: Sequence[LoadedModel]) -> None:
    """Draw the newest swaps and both kinds of questions."""
    swaps = portal.swaps.list(user, limit=SHOWN)
    with st.container(border=True, key="card-swaps", gap="xsmall"):
        card_title(t("Swaps"), t("A new version takes over a model's name while people go on asking."))
        for swap in swaps:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"swaprow-{swap.id}"):
                st.markdown(
                    f"{plain(swap.model)} {state_badge(swap)}  \n:small[:gray[{plain(swap.new_path.name)} · {age(swap.created_at)}]]",
                    width="stretch",
                )
                st.button(t("Open"), type="tertiary", key=f"swapopen-{swap.id}", on_click=_open, args=(swap.id,))
        if not swaps:
            st.caption(t("No swaps yet. Start one from the actions of a serving model."))
        names = [model.name for model in loaded]
        with st.expander(t("Canary questions"), type="compact"):
            _canaries(portal, user, names)
        with st.expander(t("Replay questions"), type="compact"):
            _replays(portal, user, names)


def _open(swap_id: str) -> None:
    st.query_params[SWAP] = swap_id


def _canaries(portal: Portal, user: User, names: Sequence[str]) -> None:
    st.caption(t("A new version must answer these well before it serves. Without any, two built-in questions are asked."))
    for one in portal.swaps.canaries(user):
        about = " · ".join(
            part for part in (plain(one.model) or t("Every model"), t(_IN[one.language]), f"`{one.pattern}`" if one.pattern else "") if part
        )
        _question(f"canary-{one.id}", one.question, about, lambda one=one: portal.swaps.remove_canary(user, one.id))  # type: ignore[misc]
    first_values("canary-add", {"canary-question": "", "canary-pattern": ""})
    with st.form("canary-add", border=False):
        question = st.text_area(t("Question"), max_chars=MAX_QUESTION_LENGTH, height=68, key="canary-question")
        model = st.selectbox(t("Model"), ["", *names], format_func=lambda name: name or t("Every model"), key="canary-model")
        language = st.selectbox(t("Language of the answer"), LANGUAGES, format_func=lambda each: t(_IN[each]), key="canary-language")
        pattern = st.text_input(t("Must contain (regular expression)"), max_chars=500, key="canary-pattern")
        if st.form_submit_button(t("Add")):
            _do(lambda: portal.swaps.add_canary(user, question, model=model, language=language, pattern=pattern), form="canary-add")


def _replays(portal: Portal, user: User, names: Sequence[str]) -> None:
    st.caption(t("Questions with answers that were accepted. A swap can show you how a new version answers them, and wait for your yes."))
    for one in portal.swaps.replays(user):
        _question(f"replay-{one.id}", one.question, plain(one.model), lambda one=one: portal.swaps.remove_replay(user, one.id))  # type: ignore[misc]
    if not names:
        return
    first_values("replay-add", {"replay-question": "", "replay-accepted": ""})
    with st.form("replay-add", border=False):
        model = st.selectbox(t("Model"), names, key="replay-model")
        question = st.text_area(t("Question"), max_chars=MAX_QUESTION_LENGTH, height=68, key="replay-question")
        accepted = st.text_area(t("Accepted answer"), max_chars=10 * MAX_QUESTION_LENGTH, key="replay-accepted")
        if st.form_submit_button(t("Add")):
            _do(lambda: portal.swaps.add_replay(user, model, question, accepted), form="replay-add")


def _question(key: str, question: str, about: str, remove: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-{key}"):
        st.markdown(f"{plain(question[:300])}  \n:small[:gray[{about}]]", width="stretch")
        if st.button(t("Remove"), type="tertiary", key=f"remove-{key}"):
            _do(remove)


def _do(action: Callable[[], object], form: str = "") -> None:
    """Run the action and redraw the page; show a refusal. form: a form to empty afterwards."""
    try:
        action()
        carried_out(form)
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
    else:
        st.rerun()
