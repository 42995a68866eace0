"""The transcript: questions, finished answers, and the answer that is being written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.conversations import Shown
from core.chat.lifecycle.new_turns import is_cut_off
from core.chat.memory.records import Memory
from core.chat.records import Author, Message, MessageStatus
from core.chat.running_turn import LiveTurn, Snapshot
from core.errors import PortalError, StoredError
from core.inference.records import FinishReason, Generation, Routing
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.markdown.growing import Growing
from pages.shell.words import said, t
from pages.widgets.chat.between_answers import Foot, Thought, seam
from pages.widgets.chat.message import leaving, plain, show
from pages.widgets.common.browser_timer import awaited, set_timer
from pages.widgets.common.cookie import session_watch
from pages.widgets.common.figures import milliseconds, seconds
from pages.widgets.common.requests import pending, wish
from pages.widgets.context.answer_details import context_details

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 0.15
POLL_EACH_S, POLL_MOST_S = 0.02, 0.5
"""Seconds between two drawings of an answer: POLL_S, or POLL_EACH_S per running answer if that is more, at most POLL_MOST_S.
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


def transcript(
    portal: Portal,
    user: User,
    shown: Sequence[Shown],
    running: LiveTurn | None,
    *,
    figures: DeltaGenerator,
    on_event: Callable[[str], None],
    on_again: Callable[[str, str | None], None],
    stored: bool = True,
    ways: Sequence[dict[str, Any]] = (),
) -> None:
    """Draw all messages.

    on_event: see seam(). on_again: called with the id of an answer to regenerate, and the name of the model, or None for the composer's.
    stored: whether the messages can be rated, edited and regenerated. ways: see seam().
    """
    writing = shown[-1].message if shown and shown[-1].message.status is MessageStatus.STREAMING else None
    free = writing is None and stored
    remembered = _memories(portal, user, shown)
    accepts = allows(user, Permission.RUN_MODELS)
    foot: Foot | None = None
    asked: Shown | None = None
    with st.container(key="transcript", gap="small"):
        for each in shown:
            message = each.message
            if message.author is Author.USER:
                asked = each
                continue
            draw_seam = partial(seam, f"seam-{message.id}", foot=foot, asked=asked, free=free, on_event=on_event, ways=ways)
            if message is not writing:
                draw_seam(thought=_thought(message))
                other = _other(portal, user, message) if free and each is shown[-1] else None
                _answer(message, free=free, other=other, on_again=on_again)
                foot = Foot(
                    answer=each,
                    meta=_figures_of(message),
                    details=(*details_of(message.generation), *context_details(message.context, remembered)),
                    mark=_mark(message),
                    again=not _is_cut(message),
                    rated=stored,
                    accepts=stored and accepts and message.status is MessageStatus.DONE,
                    goes_on=bool(message.text) and is_cut_off(message),
                )
            elif running is not None and running.turn.answer_id == message.id:
                _running(portal, user, running, draw_seam, figures)
            else:
                draw_seam(thought=_thought(message))
                _elsewhere(portal, user, message)
        if writing is None:
            seam("seam-last", foot=foot, asked=None, thought=None, free=free, on_event=on_event, ways=ways)


def _memories(portal: Portal, user: User, shown: Sequence[Shown]) -> dict[str, Memory]:
    """Return the memories that the shown answers used and that still exist, by id."""
    ids = {used.id for each in shown if each.message.context for used in each.message.context.memories}
    return {each.id: each for each in portal.memories.texts(user, sorted(ids))} if ids else {}


def _answer(message: Message, *, free: bool, other: str | None, on_again: Callable[[str, str | None], None]) -> None:
    if message.text:
        show(message.text)
    if _is_cut(message):
        _cut(message, free=free, other=other, on_again=on_again)
    elif message.generation and message.generation.error:
        # The answer ended normally, but its text went wrong.
        with st.container(key=f"astray-{message.id}"):
            st.markdown(f":gray[{plain(said(message.generation.error))}]")


def _is_cut(message: Message) -> bool:
    """Tell whether the answer itself says that it is incomplete and offers to try again."""
    return message.status in (MessageStatus.FAILED, MessageStatus.INTERRUPTED)


def _other(portal: Portal, user: User, message: Message) -> str | None:
    """Return the model and platform that could answer instead if a platform failed; None if there is none."""
    row = message.generation
    if message.status is not MessageStatus.FAILED or row is None or row.routing is None:
        return None
    try:
        return portal.gateway.next_place(user, row.routing.place)
    except PortalError:
        return None


def _cut(message: Message, *, free: bool, other: str | None, on_again: Callable[[str, str | None], None]) -> None:
    """Show what happened, what is kept, and what to do next."""
    if message.status is MessageStatus.FAILED:
        head, why, key = t("The answer could not be finished"), said(message.error) if message.error else "", f"fail-{message.id}"
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
                label = t("Ask {place} instead", place=plain(other))
                st.button(label, icon=":material/alt_route:", key=f"other-{message.id}", disabled=not free, on_click=instead)


def _mark(message: Message) -> str:
    if message.status is MessageStatus.STOPPED:
        return t("Stopped") if message.text else t("Stopped while thinking") if message.reasoning else t("Stopped before it began")
    if message.generation and message.generation.finish_reason is FinishReason.LENGTH:
        return t("Stopped at the length limit")
    return ""


def _figures_of(message: Message) -> tuple[str, ...]:
    """Return model, tokens, speed and time to first token, without values that were not measured."""
    row = message.generation
    if row is None:
        return ()
    meta = [row.model]
    if row.cached_at is not None:
        meta.append(t("from the cache"))
    if row.usage.completion_tokens:
        meta.append(t("{n} tokens", n=row.usage.completion_tokens))
    if row.timings.tokens_per_second:
        meta.append(_speed(row.timings.tokens_per_second))
    if row.timings.ttft_s is not None:
        meta.append(t("{seconds} s to first token", seconds=_seconds(row.timings.ttft_s)))
    return tuple(meta)


def details_of(row: Generation | None) -> tuple[tuple[str, str], ...]:
    """Return names and values of the figures that the line leaves out, without values that were not measured."""
    if row is None:
        return ()
    usage, timings = row.usage, row.timings
    half, most = milliseconds(timings.inter_token_p50_s), milliseconds(timings.inter_token_p95_s)
    between = t("{half}, p95 {most}", half=half, most=most)
    drafted = t("{right} of {n} accepted", right=timings.accepted_tokens, n=timings.draft_tokens)
    told = (
        (t("From the cache"), t("written on {when}", when=f"{row.cached_at:%Y-%m-%d %H:%M} UTC") if row.cached_at else "", row.cached_at),
        *_routed(row.routing),
        (t("Platform"), row.platform, row.routing is None and (usage.completion_tokens or row.cached_at)),
        (t("Version"), row.model_version, (usage.completion_tokens or row.cached_at) and row.model_version),
        (t("Queue wait"), seconds(timings.queue_s), timings.ttft_s is not None),
        (t("Prompt"), t("{n} tokens", n=usage.prompt_tokens), usage.prompt_tokens),
        (t("From cache"), t("{n} tokens", n=usage.cached_tokens), usage.cached_tokens),
        (t("Prompt processing"), seconds(timings.prefill_s), timings.prefill_s is not None),
        (t("Inter-token latency"), between, timings.inter_token_p95_s is not None),
        (t("Draft tokens"), drafted, timings.draft_tokens),
        (t("Answer time"), seconds(timings.duration_s), timings.duration_s),
        (t("Retried with safer sampling"), t("once"), timings.retries),
    )
    return tuple((name, value) for name, value, known in told if known)


def _routed(routing: Routing | None) -> tuple[tuple[str, str, object], ...]:
    """Return rows about the platform that answered, the reasons against earlier platforms, dropped settings, and the cost."""
    if routing is None:
        return ()
    return (
        (t("Answered by"), routing.place, True),
        (t("Why"), " ".join(said(each) for each in routing.left_out), routing.left_out),
        (t("Left out"), ", ".join(routing.dropped), routing.dropped),
        (t("Token counts"), t("Estimated"), routing.estimated),
        (t("Cost"), f"{routing.cost or 0:.4g} {routing.currency}", routing.cost is not None),
    )


def _thought(message: Message) -> Thought | None:
    if not message.reasoning:
        return None
    seconds = message.generation.timings.thinking_s if message.generation else None
    label = t("Thought process") if seconds is None else t("Thought for {seconds} s", seconds=_seconds(seconds))
    return Thought(answer_id=message.id, label=label, text=message.reasoning)


# The running answer


def _running(portal: Portal, user: User, running: LiveTurn, draw_seam: Callable[..., None], figures: DeltaGenerator) -> None:
    """Draw the running answer repeatedly. The turn runs in its own thread; this function only watches it."""
    session_lives = session_watch(portal)
    growing = Growing(leaving())
    # The first run is part of the page's run, which has more to draw.
    first = True

    @st.fragment(run_every=_poll_s(portal))
    def watch() -> None:
        nonlocal first
        session_lives()
        # Wait briefly: the first words of a fast model arrive before the next poll.
        running.wait_begun(FIRST_WORDS_S)
        now = running.snapshot()
        if pending() or not now.running:
            st.rerun()
        draw_seam(thought=_thought_so_far(now))
        if now.position is not None:
            _queued(now)
        if now.summarizing:
            st.caption(f":material/summarize: {t('Summarizing the first turns, which no longer fit')}")
        if now.elapsed_s > STUCK_AFTER_S:
            _stuck(portal, user, now.model)
        told = bool(now.unsaved)
        text: DeltaGenerator | None = None
        if now.position is None and (now.text or not now.reasoning):
            text = show(now.text, growing=growing, caret=not told)
        figures.caption(_running_figures(now), width="content")
        if now.unsaved:
            _unsaved(now.unsaved)
        # Reasoning and queue positions need a new run: a component can be drawn only once per run.
        stays, first = bool(now.text) and not first, False
        if not stays:
            return
        began = counted = time.monotonic()
        set_timer(TIMER_S)
        while _undisturbed(_poll_s(portal)) and time.monotonic() - began < STAY_S:
            session_lives()
            now = running.snapshot()
            if not now.running:
                st.rerun()
            if bool(now.unsaved) is not told:
                break
            text = show(now.text, growing=growing, caret=not told, instead=text)
            if time.monotonic() - counted >= COUNT_S:
                counted = time.monotonic()
                figures.caption(_running_figures(now), width="content")
        if time.monotonic() - began < TIMER_S / 2:
            # Another rerun was requested, not this fragment's timer; it will be done soon.
            set_timer(_poll_s(portal))

    watch()


def _poll_s(portal: Portal) -> float:
    return min(max(POLL_S, POLL_EACH_S * portal.turns.count()), POLL_MOST_S)


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
        st.markdown(f"{kept}  \n:gray[{plain(said(why))}]")


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
    line = t("Queue position {place}", place=position)
    if now.wait_s is not None:
        line = t("Queue position {place}, about {seconds} s", place=position, seconds=_seconds(now.wait_s))
    with st.container(key="queue", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[:material/hourglass_top: {line}]", width="content")
        st.button(t("Leave the queue"), type="tertiary", key="leave", on_click=wish, args=("stop",))


def _thought_so_far(now: Snapshot) -> Thought | None:
    if not now.reasoning:
        return None
    seconds = _seconds(now.thinking_s or 0)
    label = t("Thought for {seconds} s", seconds=seconds) if now.text else t("Thinking, {seconds} s", seconds=seconds)
    return Thought(answer_id=now.answer_id, label=label, text=now.reasoning, running=not now.text)


def _running_figures(now: Snapshot) -> str:
    if not now.tokens:
        return ""
    count = t("{n} tokens", n=now.tokens)
    return f"{count} · {_speed(now.tokens_per_second)}" if now.tokens_per_second and now.tokens > 4 else count


def _elsewhere(portal: Portal, user: User, message: Message) -> None:
    """Show an answer that another replica writes: draw its saved text, and check again."""

    session_lives = session_watch(portal)
    growing = Growing(leaving())

    @st.fragment(run_every=ELSEWHERE_S)
    def look() -> None:
        session_lives()
        newest = portal.conversations.transcript(user, message.conversation_id)[-1].message
        if newest.id != message.id or newest.status is not MessageStatus.STREAMING:
            st.rerun()
        show(newest.text, growing=growing)

    look()


# Formats of figures


def _speed(tokens_per_second: float) -> str:
    return t("{speed} tok/s", speed=f"{tokens_per_second:,.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}")


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 9.95 else f"{seconds:.1f}" if seconds >= 0.095 or not seconds else f"{seconds:.2f}"
