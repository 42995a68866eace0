"""Answers of several models side by side: follow them, and choose the one that continues the chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.conversations import Shown
from core.chat.records import Message, MessageStatus
from core.errors import PortalError
from core.people.records import User
from core.review.records import Comparison, Lane, Vote
from pages.markdown.growing import Growing
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.answers.between_answers import divider
from pages.widgets.chat.answers.step_request import step_request
from pages.widgets.chat.answers.tool_steps import tool_steps
from pages.widgets.chat.message import leaving, plain, show
from pages.widgets.common.requests import pending, queue_action
from pages.widgets.documents.sources import citable, searched_line, sources_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 0.3


def open_rounds(portal: Portal, user: User, conversation_id: str | None) -> Sequence[Comparison]:
    """Return the rounds at the end of this chat that wait for a vote: one round, or all rounds of separate threads."""
    try:
        return portal.side_by_side.rounds(user, conversation_id) if conversation_id else ()
    except PortalError:
        return ()


def earlier_rounds(portal: Portal, user: User, shown: Sequence[Shown], rounds: Sequence[Comparison]) -> None:
    """Draw all rounds of separate threads but the last, each with its question."""
    if rounds and rounds[-1].separate:
        st.caption(f":material/call_split: {t('Separate threads: each model reads only its own answers. Vote to go on with one of them.')}")
    asked = {each.message.id: each for each in shown}
    for number, each in enumerate(rounds[:-1]):
        with st.container(key=f"sidebyside-{number}", gap="small"):
            divider(
                f"seam-lanes-{number}", footer=None, asked=asked.get(each.question_id), thought=None, free=False, on_event=lambda _key: None
            )
            _columns(portal, user, each, f"-{number}", {})


def _columns(portal: Portal, user: User, comparison: Comparison, key: str, growing: Mapping[str, Growing]) -> None:
    with st.container(key=f"lanes{key}"):
        for index, (column, lane) in enumerate(zip(st.columns(len(comparison.lanes)), comparison.lanes, strict=True)):
            with column, st.container(key=f"lane{key}-{index}", gap="xsmall"):
                _lane(portal, user, lane, growing.get(lane.answer_id))


def side_by_side(portal: Portal, user: User, question: Shown, comparison: Comparison, on_event: Callable[[str], None]) -> None:
    """Draw the question, its answers in columns, and the vote once all answers have ended."""
    growing = {lane.answer_id: Growing(leaving()) for lane in comparison.lanes}
    began_running = _running(portal, user, comparison)

    def draw() -> None:
        running = _running(portal, user, comparison)
        if began_running and (pending() or not running):
            st.rerun()
        _columns(portal, user, comparison, "", growing)

    with st.container(key="sidebyside", gap="small"):
        divider("seam-lanes", footer=None, asked=question, thought=None, free=False, on_event=on_event)
        (part(draw, every=POLL_S) if began_running else draw)()
        if not began_running:
            _vote(comparison)


def _running(portal: Portal, user: User, comparison: Comparison) -> bool:
    return any(_message(portal, user, lane).status is MessageStatus.STREAMING for lane in comparison.lanes)


def _message(portal: Portal, user: User, lane: Lane) -> Message:
    return portal.conversations.message(user, lane.answer_id)


def _lane(portal: Portal, user: User, lane: Lane, growing: Growing | None) -> None:
    running = portal.turns.find(user, lane.turn_id)
    if running is not None and (now := running.snapshot()).running:
        st.caption(plain(lane.model or now.model))
        tool_steps(now.steps, now.answer_id, running=True)
        if (waiting := now.waiting_step) is not None:
            step_request(waiting, now.answer_id)
        if now.reasoning and not now.text:
            st.caption(f":material/neurology: {t('Thinking')}")
        else:
            show(now.text, growing=growing)
        return
    message = _message(portal, user, lane)
    row = message.generation
    figures = [lane.model or row.model, t("{n} tokens", n=row.usage.completion_tokens)] if row else [lane.model]
    st.caption(plain(" · ".join(figures)))
    tool_steps(message.steps, message.id)
    searched_line(message.context)
    if message.text:
        show(message.text, sources=citable(message.context))
    if message.status is MessageStatus.FAILED:
        why = error_text(message.error) if message.error else ""
        st.markdown(f":red[:material/error: {t('This answer failed.')}] {plain(why)}")
    sources_of(message.id, message.context)


def lane_answers(portal: Portal, user: User, rounds: Sequence[Comparison]) -> list[Message]:
    """Return the answers of all columns, of which the transcript holds one each."""
    return [_message(portal, user, lane) for each in rounds for lane in each.lanes]


def _vote(comparison: Comparison) -> None:
    two = len(comparison.lanes) == 2
    heads = [t("Left is better"), t("Right is better")] if two else [t("Answer {n} is best", n=n + 1) for n in range(len(comparison.lanes))]
    question = comparison.question_id
    with st.container(key="lanevote", gap="xsmall"):
        st.caption(t("Which answer is better? It continues the chat."))
        with st.container(horizontal=True, gap="xsmall"):
            for n, (head, lane) in enumerate(zip(heads, comparison.lanes, strict=True)):
                fields = {"question": question, "vote": Vote.ONE.value, "preferred": lane.answer_id}
                st.button(head, key=f"vote-{n}", on_click=queue_action, args=("vote",), kwargs=fields)
            st.button(
                t("Alike"), key="vote-alike", on_click=queue_action, args=("vote",), kwargs={"question": question, "vote": Vote.ALIKE.value}
            )
            poor = t("Both poor") if two else t("All poor")
            st.button(poor, key="vote-poor", on_click=queue_action, args=("vote",), kwargs={"question": question, "vote": Vote.POOR.value})


def before(shown: Sequence[Shown], rounds: Sequence[Comparison]) -> tuple[Sequence[Shown], Shown | None]:
    """Return the messages above the first round, and the question of the last round."""
    at = {each.message.id: index for index, each in enumerate(shown)}
    first, last = at.get(rounds[0].question_id), at.get(rounds[-1].question_id)
    return (shown, None) if first is None or last is None else (shown[:first], shown[last])
