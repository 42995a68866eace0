"""Feedback: every rating with its question and answer. List, case, properties; everything reachable from the keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.entities import Feedback, FeedbackFilter, ReviewState, User
from core.errors import PortalError
from core.feedback import MAX_COMMENT
from pages.shell import blank, selected
from pages.widgets.csv_export import to_csv
from pages.widgets.figures import MISSING, age, count, seconds, speed
from pages.widgets.focus import focus
from pages.widgets.message import plain, show
from pages.words import said, t

if TYPE_CHECKING:
    from bootstrap import Portal

PAGE = 50
ROW_TITLE, CASE_TITLE = 72, 160
"""Characters of a question in the list, and over the case."""
ALL = "all"
ICONS = {ReviewState.NEW: "radio_button_unchecked", ReviewState.IN_REVIEW: "timelapse", ReviewState.RESOLVED: "check_circle"}
LAST = "last"
"""In place of an id: the last case of the page that is about to be read."""


def render(portal: Portal, user: User) -> None:
    state = st.session_state
    try:
        counts = portal.feedback.counts(user)
    except PortalError as problem:
        blank(t("Feedback cannot be shown"), said(problem))
        return
    if not sum(counts.values()):
        blank(
            t("No ratings yet"),
            t("Below each answer people can say whether it was good or poor. Every rating comes here, with its question and answer."),
        )
        return
    picked = state.get("feedback-case")
    with st.container(key=f"rv-{'one' if picked else 'list'}"):
        left, middle, right = st.columns([1.15, 2.1, 0.85], gap="medium")
        with left, st.container(key="rvlist", gap="xxsmall"):
            filter, text = _filters(portal, user, counts)
            offset = state.setdefault("feedback-offset", 0)
            try:
                cases, total = portal.feedback.find(user, filter, text, PAGE, offset)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(said(problem))}]")
                return
            current = _current(cases, picked)
            _rows(cases, total, offset, current, filter, text)
        if current is None:
            with middle:
                blank(t("No case matches"), t("Change the state, the words or the filter on the left."), key="blank-feedback")
            return
        place = next(n for n, case in enumerate(cases) if case.id == current.id)
        before = (cases[place - 1].id, offset) if place else (LAST, offset - PAGE) if offset else None
        after = (cases[place + 1].id, offset) if place + 1 < len(cases) else (None, offset + PAGE) if offset + PAGE < total else None
        with middle, st.container(key="rvcase", gap="small"):
            _case(portal, user, current, before, after)
        with right, st.container(key="rvprops", gap="small"):
            _properties(portal, user, current)


def _current(cases: Sequence[Feedback], picked: str | None) -> Feedback | None:
    if not cases:
        return None
    if picked == LAST:
        st.session_state["feedback-case"] = cases[-1].id
        return cases[-1]
    return next((case for case in cases if case.id == picked), cases[0])


def _go(case_id: str | None, offset: int) -> None:
    st.session_state["feedback-case"] = case_id
    st.session_state["feedback-offset"] = max(0, offset)


def _from_start() -> None:
    _go(None, 0)


def _word(state: ReviewState) -> str:
    return {ReviewState.NEW: t("New"), ReviewState.IN_REVIEW: t("In review"), ReviewState.RESOLVED: t("Resolved")}[state]


def _title(case: Feedback, most: int) -> str:
    """The question on one line, cut at a word before `most` characters."""
    if case.question is None:
        return t("Deleted chat")
    line = " ".join(case.question.split())
    if len(line) <= most:
        return line
    cut = line[:most]
    word = cut.rfind(" ")
    return f"{(cut[:word] if word > most // 2 else cut).rstrip(' .,;:，。')}…"


def _tab(state: ReviewState | str, counts: dict[ReviewState, int]) -> str:
    word, n = (_word(state), counts.get(state, 0)) if isinstance(state, ReviewState) else (t("All"), sum(counts.values()))
    return f"{word} :gray[{n:,}]"


# The list


def _filters(portal: Portal, user: User, counts: dict[ReviewState, int]) -> tuple[FeedbackFilter, str]:
    """What the list, its paging and the export are about."""
    kept = {"persist_state": "session", "on_change": _from_start}
    with st.container(key="rvfilter", gap="xsmall"):
        wanted = st.segmented_control(
            t("State"), [*ReviewState, ALL], default=ALL, required=True, label_visibility="collapsed", key="feedback-state", width="stretch",
            format_func=lambda each: _tab(each, counts), **kept,
        )  # fmt: skip
        text = st.text_input(
            t("Search"),
            type="search",
            placeholder=t("Search questions, answers, comments"),
            live=True,
            label_visibility="collapsed",
            key="feedback-search",
            **kept,
        )
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="rvtools"):
            chosen = sum(bool(st.session_state.get(key)) for key in ("feedback-rating", "feedback-model", "feedback-dates"))
            label = t("Filter, {n} set", n=chosen) if chosen else t("Filter")
            with st.popover(label, icon=":material/filter_list:", type="tertiary", key="rvfilters"):
                rating = st.segmented_control(
                    t("Rating"), [1, -1], format_func=lambda each: f":material/thumb_up: {t('Good')}" if each == 1 else f":material/thumb_down: {t('Poor')}",
                    key="feedback-rating", **kept,
                )  # fmt: skip
                models = [model.name for model in portal.models.loaded(user)]
                names = sorted({*models, *portal.usage.choices(user)[0]})
                model = st.selectbox(t("Model"), names, index=None, placeholder=t("All models"), key="feedback-model", **kept)
                dates = st.date_input(t("Rated between (UTC)"), value=(), format="YYYY-MM-DD", key="feedback-dates", **kept)
                if st.button(t("Clear filter"), type="tertiary", key="feedback-clear", disabled=not chosen, on_click=_clear):
                    st.rerun()
            st.space("stretch")
            since, until = _between(dates)
            filter = FeedbackFilter(rating, model, wanted if isinstance(wanted, ReviewState) else None, since, until)
            st.download_button(
                t("Export CSV"), lambda: feedback_csv(portal.feedback.all(user, filter, text or "")), f"feedback_{datetime.now(UTC):%Y-%m-%d}.csv", "text/csv",
                icon=":material/download:", type="tertiary", key="feedback-csv", on_click="ignore", help=t("All cases of this list"),
            )  # fmt: skip
    return filter, text or ""


def _between(dates: Iterable[date]) -> tuple[datetime | None, datetime | None]:
    """Days as chosen -> since (included), until (not). A range with one end is still being chosen."""
    chosen = tuple(dates)
    if len(chosen) != 2:
        return None, None
    return datetime.combine(chosen[0], time.min, UTC), datetime.combine(chosen[1] + timedelta(days=1), time.min, UTC)


def _clear() -> None:
    for key, empty in (("feedback-rating", None), ("feedback-model", None), ("feedback-dates", ())):
        st.session_state[key] = empty
    _from_start()


def _rows(cases: Sequence[Feedback], total: int, offset: int, current: Feedback | None, filter: FeedbackFilter, text: str) -> None:
    for case in cases:
        poor = f":red[{t('Poor')}]" if case.rating < 0 else f":gray[{t('Good')}]"
        reviewer = case.reviewer_name if case.state is ReviewState.IN_REVIEW else None
        facts = " · ".join(part for part in (age(case.created_at), case.user_name, reviewer and t("with {name}", name=reviewer)) if part)
        st.button(
            f"{plain(_title(case, ROW_TITLE))}  \n:small[{poor} :gray[· {plain(facts)}]]", icon=f":material/{ICONS[case.state]}:", key=f"rrow-{case.id}",
            type="tertiary", width="stretch", wrap=True, on_click=_go, args=(case.id, offset),
        )  # fmt: skip
    if current:
        selected("rrow", current.id, [case.id for case in cases])
    if not cases:
        st.caption(t("No case matches.") if text or filter != FeedbackFilter() else t("No cases."))
    elif total > len(cases):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvpages"):
            st.caption(t("{first} to {last} of {total}", first=count(offset + 1), last=count(offset + len(cases)), total=count(total)))
            st.space("stretch")
            st.button(t("Newer"), type="tertiary", key="rvnewer", disabled=offset == 0, on_click=_go, args=(None, offset - PAGE))
            st.button(t("Older"), type="tertiary", key="rvolder", disabled=offset + PAGE >= total, on_click=_go, args=(None, offset + PAGE))


# The case


def _case(portal: Portal, user: User, case: Feedback, before: tuple[str | None, int] | None, after: tuple[str | None, int] | None) -> None:
    with st.container(key="rvback"):
        st.button(
            t("All cases"),
            icon=":material/arrow_back:",
            type="tertiary",
            key="rvall",
            on_click=_go,
            args=(None, st.session_state["feedback-offset"]),
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvact"):
        if case.state is ReviewState.RESOLVED:
            st.button(
                t("Reopen"), shortcut="E", key="rvreopen", on_click=_review, args=(portal, user, case, ReviewState.NEW, after or before)
            )
        else:
            st.button(
                t("Resolve"),
                type="primary",
                shortcut="E",
                key="rvresolve",
                on_click=_review,
                args=(portal, user, case, ReviewState.RESOLVED, after or before),
            )
        started = case.state is not ReviewState.NEW
        st.button(
            t("Start review"),
            shortcut="A",
            key="rvstart",
            disabled=started,
            on_click=_review,
            args=(portal, user, case, ReviewState.IN_REVIEW, after or before),
        )
        if st.button(t("Edit note") if case.note else t("Add note"), shortcut="N", key="rvnote"):
            _edit_note(portal, user, case)
        st.space("stretch")
        with st.container(key="rvnav", horizontal=True, gap="xsmall", width="content"):
            st.button(
                "", icon=":material/keyboard_arrow_up:", shortcut="K", key="rvprev", help=t("Previous case"), disabled=before is None,
                on_click=_go, args=before or (None, 0),
            )  # fmt: skip
            st.button(
                "", icon=":material/keyboard_arrow_down:", shortcut="J", key="rvnext", help=t("Next case"), disabled=after is None,
                on_click=_go, args=after or (None, 0),
            )  # fmt: skip
    if problem := st.session_state.pop("feedback-problem", None):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    title = _title(case, CASE_TITLE)
    st.markdown(f"## {plain(title)}", anchors=False)
    _quote(case)
    if case.question is None and case.answer is None:
        st.caption(t("The person deleted this chat. Its question and answer are gone; the rating and its figures stay."))
    else:
        with st.container(key="rvthread", gap="small"):
            if case.question != title:
                with st.container(gap="xsmall", key="rvquestion"):
                    st.markdown(f":gray[**{t('Question')}**]")
                    st.text(case.question or "")
            with st.container(key="rvanswer", gap="xsmall"):
                st.markdown(f":gray[**{t('Answer')}**]")
                show(case.answer or "")
    if case.note:
        with st.container(key="rvnotetext", gap="xsmall"):
            st.markdown(f":gray[**{t('Note')}**]")
            st.text(case.note)


def _quote(case: Feedback) -> None:
    """What the person said: on orange for a complaint, on grey for praise."""
    poor = case.rating < 0
    with st.container(key="rvquote" if poor else "rvpraise", gap="xsmall"):
        seconds_ago = (datetime.now(UTC) - case.created_at).total_seconds()
        when = t("{age} ago", age=age(case.created_at)) if seconds_ago >= 60 else t("just now")
        icon = "thumb_down" if poor else "thumb_up"
        words = t("rated the answer as poor, {when}", when=when) if poor else t("rated the answer as good, {when}", when=when)
        st.markdown(f":material/{icon}: **{plain(case.user_name)}** :gray[{words}]")
        if case.comment:
            st.text(case.comment)


def _review(portal: Portal, user: User, case: Feedback, state: ReviewState, neighbour: tuple[str | None, int] | None) -> None:
    """Change the state. A case that leaves the list it was opened from gives way to its neighbour."""
    try:
        portal.feedback.review(user, case.id, state=state)
    except PortalError as problem:
        st.session_state["feedback-problem"] = said(problem)
        return
    shown = st.session_state.get("feedback-state")
    phone_list = st.session_state.get("feedback-case") is None
    if shown != ALL and shown is not state:
        _go(None if phone_list or neighbour is None else neighbour[0], st.session_state["feedback-offset"])


def _edit_note(portal: Portal, user: User, case: Feedback) -> None:
    @st.dialog(t("Note"))
    def ask() -> None:
        with st.form("feedback-note-form", border=False):
            note = st.text_area(
                t("For reviewers only"),
                case.note,
                max_chars=MAX_COMMENT,
                height=160,
                placeholder=t("What went wrong, what was done"),
                key=f"note-{case.id}",
            )
            sent = st.form_submit_button(t("Save note"), type="primary", key="feedback-note-save")
        focus(f"note-{case.id}")
        if sent:
            try:
                portal.feedback.review(user, case.id, note=note)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(said(problem))}]")
                return
            st.rerun()

    ask()


# The properties


def _properties(portal: Portal, user: User, case: Feedback) -> None:
    key = f"feedback-set-{case.id}"
    st.session_state[key] = case.state
    st.selectbox(t("State"), list(ReviewState), format_func=_word, key=key, on_change=_set_state, args=(portal, user, case, key))
    row = case.generation
    facts = [
        (t("Person"), case.user_name),
        (t("Group"), case.group or MISSING),
        (t("Rated"), case.created_at.strftime("%Y-%m-%d %H:%M UTC")),
        (t("Model"), case.model or MISSING),
        (t("Length"), t("{n} tokens", n=row.usage.completion_tokens) if row else MISSING),
        (t("Speed"), speed(row.timings.tokens_per_second) if row else MISSING),
        (t("First token"), seconds(row.timings.ttft_s) if row else MISSING),
        (t("Answer time"), seconds(row.timings.duration_s) if row else MISSING),
        (t("Reviewer"), case.reviewer_name or MISSING),
    ]
    st.html("<dl class='props'>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts) + "</dl>")


def _set_state(portal: Portal, user: User, case: Feedback, key: str) -> None:
    _review(portal, user, case, st.session_state[key], None)


# Export


def feedback_csv(cases: Iterable[Feedback]) -> bytes:
    header = (
        "id", "rated_at", "person", "group", "model", "model_version", "rating", "comment", "state", "note", "reviewer", "changed_at",
        "question", "answer", "prompt_tokens", "completion_tokens", "tokens_per_second", "first_token_s", "duration_s",
    )  # fmt: skip
    return to_csv(header, (_row(case) for case in cases))


def _row(case: Feedback) -> tuple[object, ...]:
    row = case.generation
    return (
        case.id, case.created_at, case.user_name, case.group, case.model, row and row.model_version, case.rating, case.comment, case.state, case.note,
        case.reviewer_name, case.updated_at, case.question, case.answer, row and row.usage.prompt_tokens, row and row.usage.completion_tokens,
        row and row.timings.tokens_per_second, row and row.timings.ttft_s, row and row.timings.duration_s,
    )  # fmt: skip
