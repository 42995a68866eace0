"""Chat: conversations on the left, the transcript at reading width, the composer at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.context.records import AnswerContext
from core.chat.conversations import Shown
from core.chat.records import Author, Message, MessageStatus
from core.chat.running_turn import LiveTurn
from core.errors import NotFound, PortalError
from core.inference.records import ServedModel
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat import linked_message, location, temporary_chat
from pages.widgets.chat.actions import act, held_files, privacy_note
from pages.widgets.chat.answers.transcript import transcript
from pages.widgets.chat.composer.composer import PROMPT, always_read, asks_guide, composer, gone_model, options
from pages.widgets.chat.composer.tools_menu import tools_menu
from pages.widgets.chat.empty_chat import empty_chat
from pages.widgets.chat.flow.answer_tools import answer_tools
from pages.widgets.chat.flow.diagrams import diagrams
from pages.widgets.chat.flow.earlier import latest
from pages.widgets.chat.flow.follow_up import follow_up
from pages.widgets.chat.flow.lane_choice import lane_choice, lanes
from pages.widgets.chat.flow.regenerate_menu import regenerate_choices
from pages.widgets.chat.flow.side_by_side import before, earlier_rounds, lane_answers, open_rounds, side_by_side
from pages.widgets.chat.problem import forget_problem, problem_of, report_problem
from pages.widgets.chat.sidebar import sidebar
from pages.widgets.common.requests import queue_action, queue_component_action
from pages.widgets.context import applied
from pages.widgets.context.meter import context_meter
from pages.widgets.context.summary_line import summary_line
from pages.widgets.documents.chosen import choose_none, collections_menu
from pages.widgets.documents.page_pane import page_pane
from pages.widgets.get_model.first_model import first_model
from pages.widgets.people.limits import meter
from pages.widgets.sharing.chat_head import chat_head
from pages.widgets.tables.table_dialog import table_dialog

if TYPE_CHECKING:
    from bootstrap.portal import Portal

ADDRESS = linked_message.CONVERSATION


def render(portal: Portal, user: User) -> None:
    models = portal.gateway.chat_models(user)
    if location.comes_back():
        forget_problem()
    if location.comes_back() or location.left() or ADDRESS in st.query_params:
        temporary_chat.leave(portal, user)
    act(portal, user, models)
    # Each run has one request id: the second click of a double click repeats the id and starts no second turn.
    request = uuid4().hex
    conversation_id = location.opened()
    _arrive(portal, user, conversation_id)
    # The running turn is read before the transcript: an answer that ends in between appears finished and is not lost.
    temporary = temporary_chat.opened()
    if temporary:
        running = _temporary_answer(portal, user, temporary)
        shown: list[Shown] | None = temporary_chat.messages(portal, user)
    else:
        running = portal.turns.running(user, conversation_id) if conversation_id else None
        shown = _messages(portal, user, conversation_id)
    rounds = () if temporary else open_rounds(portal, user, conversation_id)
    if shown and shown[-1].message.status is not MessageStatus.STREAMING and not rounds:
        running = None
    listed = sidebar.read_listed(portal, user, conversation_id)
    sidebar.new_chat_icon(listed)

    def around() -> DeltaGenerator:
        """Draw what lies around the transcript; return the container for the figures of the running answer."""
        sidebar.chat_sidebar(portal, user, conversation_id, listed)
        if conversation_id and not temporary:
            follow_up(portal, user, conversation_id, running=running is not None)
        return composer(
            models,
            conversation=conversation_id or "",
            answer=running.turn.answer_id if running else "",
            problem=problem_of(conversation_id),
            held=held_files(),
            max_file_mb=portal.settings.max_file_mb,
            on_ask=lambda: queue_action("ask", text=st.session_state[PROMPT].text, files=st.session_state[PROMPT].files, request=request),
            on_drop=lambda file: queue_action("drop", id=file),
            on_stop=lambda: queue_action("stop"),
            on_dismiss=forget_problem,
            deleted=portal.conversations.deleted_just_now(user),
            link_target=linked_message.find_target(shown or ()),
            prompts=portal.prompts.list(user),
            meter=None if temporary or shown is None else partial(context_meter, portal, user, conversation_id, options(models).model),
            note=privacy_note() or gone_model(models, _answered_by(shown or ())) or meter(portal.limits.nearly_used(user)),
            more_choices=lambda: _more_choices(portal, user, models, None if temporary else conversation_id, _last_context(shown or ())),
            asked=1 if temporary or temporary_chat.is_on() else len(lanes(models, rounds[-1] if rounds else None)),
        )

    # Finished answers come first, because they are what a person waits for who opens another chat.
    figures = around() if running or not shown else None
    if shown is None:
        if frame.blank(t(
            "This chat does not exist"
        ), t("It may have been deleted, or the address is incomplete."), t("Start a new chat")):
            location.open_chat(None)
            st.rerun()
    elif not shown:
        empty_chat(models, request, listed.of_next_chat, portal.prompts.starters(user), guide=asks_guide(models))
        temporary_chat.switch(portal, user)
        if not asks_guide(models):
            applied.applied_line(portal, user, None, temporary=temporary_chat.is_on())
        first_model(portal, user)
    else:
        if temporary:
            temporary_chat.head(running=running is not None)
        elif listed.conversation:
            chat_head(portal, user, listed.conversation)
            summary_line(portal, user, _last_answer(shown))
        if not asks_guide(models):
            applied.applied_line(portal, user, None if temporary else listed.conversation, temporary=bool(temporary))
        drawn, question = before(shown, rounds) if rounds else (shown, None)
        transcript(
            portal, user, latest(drawn, conversation_id or "", linked_message.named(conversation_id)),
            None if rounds else running, figures=figures,
            on_event=queue_component_action, stored=not temporary, regenerate_choices=regenerate_choices(models),
            on_again=lambda answer, model: queue_action("again", message=answer, request=request, model=model),
        )  # fmt: skip
        if question is not None:
            earlier_rounds(portal, user, shown, rounds)
            side_by_side(portal, user, question, rounds[-1], queue_component_action)
    table_dialog(portal, user)
    answers = (*(each.message for each in shown or ()), *lane_answers(portal, user, rounds))
    page_pane(portal, user, answers)
    answer_tools()
    if shown:
        diagrams([each.text for each in answers], running=running is not None)
    if figures is None:
        around()
    if not models:
        _wait_for_model(portal, user)


def _more_choices(
    portal: Portal, user: User, models: Sequence[ServedModel], conversation_id: str | None, answered: AnswerContext | None
) -> None:
    """Draw the choices beside the model. conversation_id: the stored chat; None in a new or a temporary one.

    answered: see collections_menu().
    """
    tools_menu(portal, user, conversation_id, options(models).model)
    if temporary_chat.opened() or temporary_chat.is_on():
        choose_none()
    else:
        collections_menu(portal, user, conversation_id, answered, always_read(models))
    if not (temporary_chat.opened() or temporary_chat.is_on()):
        lane_choice(models)


def _arrive(portal: Portal, user: User, conversation_id: str | None) -> None:
    """Show the branch of the message that the URL or a search names, once."""
    message_id = linked_message.new(conversation_id)
    if conversation_id and message_id:
        try:
            portal.conversations.reveal(user, conversation_id, message_id)
        except PortalError as problem:
            report_problem(error_text(problem))


def _messages(portal: Portal, user: User, conversation_id: str | None) -> list[Shown] | None:
    """Return the transcript; None if the URL names no conversation of this user."""
    if conversation_id is None:
        return []
    try:
        return portal.conversations.transcript(user, conversation_id)
    except NotFound:
        return None


def _temporary_answer(portal: Portal, user: User, chat_id: str) -> LiveTurn | None:
    try:
        return portal.temporary.running(user, chat_id)
    except NotFound:
        return None


def _answered_by(shown: Sequence[Shown]) -> str:
    """Return the model of the last answer that names one; "" if there is none."""
    return next((each.message.generation.model for each in reversed(shown) if each.message.generation), "")


def _last_context(shown: Sequence[Shown]) -> AnswerContext | None:
    """Return what the last answer that searched collections read."""
    return next((each.message.context for each in reversed(shown) if each.message.context and each.message.context.searched), None)


def _last_answer(shown: Sequence[Shown]) -> Message:
    """Return the last answer that has ended; the last message if there is none."""
    ended = (each.message for each in reversed(shown) if each.message.author is Author.ASSISTANT and each.message.generation)
    return next(ended, shown[-1].message)


def _wait_for_model(portal: Portal, user: User) -> None:
    """Check once a second until a model is ready, then redraw the page."""

    def look() -> None:
        if portal.gateway.chat_models(user):
            st.rerun()

    part(look, every=1.0)()
