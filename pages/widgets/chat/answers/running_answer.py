"""The running answer: draw it again and again while it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.records import Message, MessageStatus
from core.chat.running_turn import LiveTurn, Snapshot
from core.errors import StoredError
from core.people.records import User
from pages.markdown.growing import Growing
from pages.shell.live_part import part, rights_watch
from pages.shell.words import error_text, t
from pages.widgets.chat.answers.answer_figures import short_seconds, speed
from pages.widgets.chat.answers.between_answers import Thought
from pages.widgets.chat.answers.step_request import step_request
from pages.widgets.chat.answers.tool_steps import tool_steps
from pages.widgets.chat.message import leaving, plain, show
from pages.widgets.common.browser_timer import awaited, set_timer
from pages.widgets.common.requests import pending, queue_action

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 0.2
POLL_EACH_S, POLL_MAX_S = 0.02, 1.0
"""Seconds between two drawings of an answer: POLL_S, or POLL_EACH_S per running answer if that is more, at most POLL_MAX_S.
Pages share the interpreter with the engine: twenty answers drawn as often as one would slow down their own generation."""
TIMER_S, STAY_S = 5.0, 15.0
"""Seconds of the browser's timer while a run of the watching fragment draws, and the maximum duration of such a run. A run normally
draws until another rerun is requested, at the latest by the timer; STAY_S applies if the timer has stopped."""
LOOKS = 3
"""Number of checks between two drawings for a requested rerun."""
STUCK_AFTER_S = 10.0
"""Seconds after which the page checks whether the model is stuck."""
COUNT_S = 0.5
"""Seconds between two drawings of the line of figures beside a growing text; nobody reads it faster."""
FIRST_WORDS_S = 0.12
ELSEWHERE_S = 1.0
"""Seconds between two checks for the end of an answer that another replica writes."""


def running_answer(portal: Portal, user: User, running: LiveTurn, draw_divider: Callable[..., None], figures: DeltaGenerator) -> None:
    """Draw the running answer repeatedly. The turn runs in its own thread; this function only watches it."""
    rights_hold = rights_watch()
    growing = Growing(leaving())
    # The first run is part of the page's run, which has more to draw.
    first = True

    def watch() -> None:
        nonlocal first
        # Wait briefly: the first words of a fast model arrive before the next poll.
        running.wait_begun(FIRST_WORDS_S)
        now = running.snapshot()
        if pending() or not now.running:
            st.rerun()
        draw_divider(thought=_thought_so_far(now))
        if now.position is not None:
            _queued(now)
        if now.summarizing:
            st.caption(f":material/summarize: {t('Summarizing the first turns, which no longer fit')}")
        if now.elapsed_s > STUCK_AFTER_S:
            _stuck(portal, user, now.model)
        tool_steps(now.steps, now.answer_id, running=True)
        if (waiting := now.waiting_step) is not None:
            step_request(waiting, now.answer_id)
        steps = now.steps
        warned = bool(now.unsaved)
        text: DeltaGenerator | None = None
        if now.position is None and (now.text or not (now.reasoning or waiting)):
            text = show(now.text, growing=growing, caret=not warned)
        figures.caption(_running_figures(now), width="content")
        if now.unsaved:
            _unsaved(now.unsaved)
        # Reasoning and queue positions need a new run: a component can be drawn only once per run.
        stays, first = bool(now.text or waiting) and not first, False
        if not stays:
            return
        began = counted = time.monotonic()
        set_timer(TIMER_S)
        while _undisturbed(_poll_s(portal)) and time.monotonic() - began < STAY_S:
            rights_hold()
            now = running.snapshot()
            if not now.running:
                st.rerun()
            if bool(now.unsaved) is not warned or now.steps != steps:
                break
            if text is not None:
                text = show(now.text, growing=growing, caret=not warned, instead=text)
            if time.monotonic() - counted >= COUNT_S:
                counted = time.monotonic()
                figures.caption(_running_figures(now), width="content")
        if time.monotonic() - began < TIMER_S / 2:
            # Another rerun was requested, not this fragment's timer; it will be done soon.
            set_timer(_poll_s(portal))

    part(watch, every=_poll_s(portal))()


def _poll_s(portal: Portal) -> float:
    return min(max(POLL_S, POLL_EACH_S * portal.turns.count()), POLL_MAX_S)


def _undisturbed(seconds: float) -> bool:
    """Wait for this long; tell whether no other rerun was requested. Streamlit may stop the run here, for a click or a change of page."""
    for _ in range(LOOKS):
        if awaited():
            return False
        time.sleep(seconds / LOOKS)
        # Reading the session state is the point where Streamlit can stop a run.
        pending()
    return not awaited()


def _unsaved(why: StoredError) -> None:
    with st.container(key="unsaved"):
        kept = t("The answer is complete but cannot be saved yet. The portal keeps trying.")
        st.markdown(f"{kept}  \n:gray[{plain(error_text(why))}]")


def _stuck(portal: Portal, user: User, name: str) -> None:
    """Show a warning if the model of the answer is stuck."""
    for model in portal.gateway.chat_models(user):
        if model.name == name.partition(":")[0] and model.stuck_s:
            again = t("It will restart automatically; then ask again.") if model.isolated else t("Stop the answer and tell an admin.")
            with st.container(key="stuck"):
                head = t("The model {model} is stuck: its step has taken {seconds} s.", model=name, seconds=round(model.stuck_s))
                st.markdown(f"{plain(head)}  \n:gray[{again}]")


def _queued(now: Snapshot) -> None:
    position = now.position or 1
    line = t("Queue position {position}", position=position)
    if now.wait_s is not None:
        line = t("Queue position {position}, about {seconds} s", position=position, seconds=short_seconds(now.wait_s))
    with st.container(key="queue", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[:material/hourglass_top: {line}]", width="content")
        st.button(t("Leave the queue"), type="tertiary", key="leave", on_click=queue_action, args=("stop",))


def _thought_so_far(now: Snapshot) -> Thought | None:
    if not now.reasoning:
        return None
    seconds = short_seconds(now.thinking_s or 0)
    label = t("Thought for {seconds} s", seconds=seconds) if now.text else t("Thinking, {seconds} s", seconds=seconds)
    return Thought(answer_id=now.answer_id, label=label, text=now.reasoning, running=not now.text)


def _running_figures(now: Snapshot) -> str:
    if not now.tokens:
        return ""
    count = t("{n} tokens", n=now.tokens)
    return f"{count} · {speed(now.tokens_per_second)}" if now.tokens_per_second and now.tokens > 4 else count


def elsewhere(portal: Portal, user: User, message: Message) -> None:
    """Show an answer that another replica writes: draw its saved text, and check again."""
    growing = Growing(leaving())

    def look() -> None:
        newest = portal.conversations.transcript(user, message.conversation_id)[-1].message
        if pending() or newest.id != message.id or newest.status is not MessageStatus.STREAMING:
            st.rerun()
        tool_steps(newest.steps, newest.id, running=True)
        for step in newest.steps:
            if step.waits:
                step_request(step, newest.id)
        show(newest.text, growing=growing)

    part(look, every=ELSEWHERE_S)()
