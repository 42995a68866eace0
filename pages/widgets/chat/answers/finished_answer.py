"""Finished answers: their text, or why it is incomplete and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.chat.records import Message, MessageStatus
from core.errors import PortalError
from core.inference.records import FinishReason
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.answers.answer_figures import short_seconds
from pages.widgets.chat.answers.between_answers import Thought
from pages.widgets.chat.answers.tool_steps import tool_steps
from pages.widgets.chat.message import plain, show
from pages.widgets.documents.sources import citable, searched_line, sources_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def finished_answer(message: Message, *, free: bool, other: str | None, on_again: Callable[[str, str | None], None]) -> None:
    """Draw the text of an answer that has ended, and what went wrong with it."""
    tool_steps(message.steps, message.id)
    searched_line(message.context)
    if message.text:
        show(message.text, sources=citable(message.context))
    if is_cut(message):
        _cut(message, free=free, other=other, on_again=on_again)
    elif message.generation and message.generation.error:
        # The answer ended normally, but its text went wrong.
        with st.container(key=f"astray-{message.id}"):
            st.markdown(f":gray[{plain(error_text(message.generation.error))}]")
    sources_of(message.id, message.context)


def is_cut(message: Message) -> bool:
    """Tell whether the answer itself says that it is incomplete and offers to try again."""
    return message.status in (MessageStatus.FAILED, MessageStatus.INTERRUPTED)


def other_model(portal: Portal, user: User, message: Message) -> str | None:
    """Return the model and platform that could answer instead if a platform failed; None if there is none."""
    row = message.generation
    if message.status is not MessageStatus.FAILED or row is None or row.routing is None:
        return None
    try:
        return portal.gateway.next_target(user, row.routing.target)
    except PortalError:
        return None


def _cut(message: Message, *, free: bool, other: str | None, on_again: Callable[[str, str | None], None]) -> None:
    """Show what happened, what is kept, and what to do next."""
    if message.status is MessageStatus.FAILED:
        head, why, key = t("The answer could not be finished"), error_text(message.error) if message.error else "", f"fail-{message.id}"
    else:
        kept = t("The portal stopped before the answer was complete. The text so far is kept.")
        why = kept if message.text else t("The portal stopped before the answer began.")
        head, key = t("The answer was interrupted"), f"cut-{message.id}"
    with st.container(key=key, gap="xsmall"):
        st.markdown(f"{head}  \n:gray[{plain(why)}]")
        with st.container(horizontal=True, gap="xsmall"):
            again = partial(on_again, message.id, None)
            st.button(t("Try again"), icon=":material/refresh:", key=f"again-{message.id}", disabled=not free, on_click=again)
            if other is not None:
                instead = partial(on_again, message.id, other)
                label = t("Ask {target} instead", target=plain(other))
                st.button(label, icon=":material/alt_route:", key=f"other-{message.id}", disabled=not free, on_click=instead)


def mark(message: Message) -> str:
    """Return a few words about why the answer ended early; "" if it did not."""
    if message.status is MessageStatus.STOPPED:
        return t("Stopped") if message.text else t("Stopped while thinking") if message.reasoning else t("Stopped before it began")
    if message.generation and message.generation.finish_reason is FinishReason.LENGTH:
        return t("Stopped at the length limit")
    return ""


def thought_of(message: Message) -> Thought | None:
    """Return the reasoning before the answer; None if there is none."""
    if not message.reasoning:
        return None
    seconds = message.generation.timings.thinking_s if message.generation else None
    label = t("Thought process") if seconds is None else t("Thought for {seconds} s", seconds=short_seconds(seconds))
    return Thought(answer_id=message.id, label=label, text=message.reasoning)
