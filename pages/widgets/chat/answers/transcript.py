"""The transcript: questions, finished answers, and the answer that is being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.conversations import Shown
from core.chat.lifecycle.new_turns import is_cut_off
from core.chat.memory.records import Memory
from core.chat.records import Author, MessageStatus
from core.chat.running_turn import LiveTurn
from core.knowledge.records import StoredFile
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.widgets.chat.answers.answer_figures import details_of, figures_of
from pages.widgets.chat.answers.between_answers import Footer, divider, divider_labels
from pages.widgets.chat.answers.finished_answer import finished_answer, is_cut, mark, other_model, thought_of
from pages.widgets.chat.answers.running_answer import elsewhere, running_answer
from pages.widgets.context.answer_details import context_details
from pages.widgets.rating.rating_form import is_open, rating_form
from pages.widgets.tables.answer_rows import answer_rows
from pages.widgets.tables.table_lines import table_lines

if TYPE_CHECKING:
    from bootstrap.portal import Portal


_WATCHED = "chat_watched"
"""The session key of the answers that this page has watched, by id."""


def transcript(
    portal: Portal,
    user: User,
    shown: Sequence[Shown],
    running: LiveTurn | None,
    *,
    figures: DeltaGenerator | None,
    on_event: Callable[[str], None],
    on_again: Callable[[str, str | None], None],
    stored: bool = True,
    regenerate_choices: Sequence[dict[str, Any]] = (),
) -> None:
    """Draw all messages.

    figures: where the figures of the running answer go.
    on_event: see divider(). on_again: called with the id of an answer to regenerate, and the name of the model, or None for the composer's.
    stored: whether the messages can be rated, edited and regenerated. regenerate_choices: see divider_labels().
    """
    writing = shown[-1].message if shown and shown[-1].message.status is MessageStatus.STREAMING else None
    free = writing is None and stored
    remembered = _memories(portal, user, shown)
    accepts = allows(user, Permission.RUN_MODELS)
    footer: Footer | None = None
    asked: Shown | None = None
    files: list[StoredFile] = []
    watched: set[str] = st.session_state.setdefault(_WATCHED, set())
    divider_labels(regenerate_choices)
    with st.container(key="transcript", gap="small"):
        for each in shown:
            message = each.message
            if message.author is Author.USER:
                asked = each
                files += message.files
                continue
            if footer is not None and is_open(footer.answer.message):
                # The form stands under the foot of its answer, so that foot is drawn apart from the next question.
                divider("seam-rated", footer=footer, asked=None, thought=None, free=free, on_event=on_event)
                rating_form(portal, user, footer.answer.message)
                footer = None
            draw_divider = partial(_seam, message.id, footer=footer, asked=asked, free=free, on_event=on_event)
            if message is not writing:
                other = other_model(portal, user, message) if free and each is shown[-1] else None
                # A fragment draws into a container. With one here too, the browser keeps what it has drawn when the answer ends.
                with st.container() if message.id in watched else nullcontext():
                    draw_divider(thought=thought_of(message))
                    finished_answer(message, free=free, other=other, on_again=on_again)
                    answer_rows(message, files)
                footer = Footer(
                    answer=each,
                    meta=figures_of(message),
                    details=(*details_of(message.generation), *context_details(message.context, remembered)),
                    mark=mark(message),
                    again=not is_cut(message),
                    rated=stored,
                    accepts=stored and accepts and message.status is MessageStatus.DONE,
                    goes_on=bool(message.text) and is_cut_off(message),
                )
            elif running is not None and figures is not None and running.turn.answer_id == message.id:
                watched.add(message.id)
                running_answer(portal, user, running, draw_divider, figures)
            else:
                draw_divider(thought=thought_of(message))
                elsewhere(portal, user, message)
        if writing is None:
            divider("seam-last", footer=footer, asked=None, thought=None, free=free, on_event=on_event)
            if footer is not None and is_open(footer.answer.message):
                rating_form(portal, user, footer.answer.message)


def _seam(answer_id: str, *, asked: Shown | None, **parts: Any) -> None:
    """Draw the part before an answer, and the tables of its question."""
    divider(f"seam-{answer_id}", asked=asked, **parts)
    table_lines(asked.message.files if asked is not None else (), answer_id)


def _memories(portal: Portal, user: User, shown: Sequence[Shown]) -> dict[str, Memory]:
    """Return the memories that the shown answers used and that still exist, by id."""
    ids = {used.id for each in shown if each.message.context for used in each.message.context.memories}
    return {each.id: each for each in portal.memories.texts(user, sorted(ids))} if ids else {}
