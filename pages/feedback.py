"""Feedback: every rating with its question and answer, as list, case and properties. Everything can be reached by keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.records import Feedback, FeedbackFilter, ReviewState
from pages.shell.frame import blank, one_pane, selected
from pages.shell.words import said, t
from pages.widgets.chat.follow import keep_in_sight
from pages.widgets.chat.message import plain
from pages.widgets.common.figures import age, count
from pages.widgets.review.review_case import ALL, NEIGHBOUR, Place, draw_case, draw_properties, go, state_word, title
from pages.widgets.usage.csv_export import to_csv
from pages.widgets.usage.days import between

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PAGE = 50
MOST_TITLE = 72
"""Maximum number of characters of a question in the list."""
ICONS = {ReviewState.NEW: "radio_button_unchecked", ReviewState.IN_REVIEW: "timelapse", ReviewState.RESOLVED: "check_circle"}
LEFT, RIGHT = ".st-key-rvlist", ".st-key-rvcase, .st-key-rvprops"
"""The CSS selectors of the panes."""
LAST = "last"
"""Used instead of an id: the last case of the page that is read next."""


def render(portal: Portal, user: User) -> None:
    state = st.session_state
    try:
        counts = portal.feedback.counts(user)
    except PortalError as problem:
        blank(t("Feedback is unavailable"), plain(said(problem)))
        return
    if not sum(counts.values()):
        blank(
            t("No ratings yet"),
            t("People can rate each answer good or poor. Every rating appears here, with its question and answer."),
        )
        return
    picked = state.get("feedback-case")
    # The key is the same for every case: a container with a new key would scroll its list back to the top.
    with st.container(key="rv"):
        one_pane(RIGHT if picked is None else LEFT)
        left, middle, right = st.columns([1.15, 2.1, 0.85], gap="medium")
        with left, st.container(key="rvlist", gap="xxsmall"):
            filter, text = _filters(portal, user, counts)
            offset = state.setdefault("feedback-offset", 0)
            try:
                cases, total = portal.feedback.find(user, filter, text, PAGE, offset, poor_first=True)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(said(problem))}]")
                return
            if not cases and offset:
                go(None, 0)
                st.rerun()
            current = _current(portal, user, cases, picked)
            _rows(cases, total, offset, current, filter, text)
            keep_in_sight("feedback", f"rrow-{current.id}" if current else "")
        if current is None:
            with middle:
                blank(t("No cases match"), t("Change the state, the search or the filter on the left."), key="blank-feedback")
            return
        before, after = _neighbours(cases, current, offset, total)
        with middle, st.container(key="rvcase", gap="small"):
            draw_case(portal, user, portal.feedback.open(user, current.id), before, after)
        with right, st.container(key="rvprops", gap="small"):
            draw_properties(portal, user, current)


def _current(portal: Portal, user: User, cases: Sequence[Feedback], picked: str | None) -> Feedback | None:
    """Return the picked case, even if it has just left the list; else the first."""
    if picked == LAST and cases:
        st.session_state["feedback-case"] = cases[-1].id
        return cases[-1]
    listed = next((case for case in cases if case.id == picked), None)
    if listed is None and picked not in (None, LAST):
        try:
            return portal.feedback.get(user, str(picked))
        except NotFound:
            go(None, st.session_state["feedback-offset"])
    return listed or next(iter(cases), None)


def _neighbours(cases: Sequence[Feedback], current: Feedback, offset: int, total: int) -> tuple[Place | None, Place | None]:
    """Return the previous and the next case, which may be on other pages of the list."""
    place = next((n for n, case in enumerate(cases) if case.id == current.id), None)
    if place is None:
        left = st.session_state.get(NEIGHBOUR)
        return None, left if left and any(case.id == left[0] for case in cases) else (cases[0].id, offset) if cases else None
    before: Place | None = (cases[place - 1].id, offset) if place else (LAST, offset - PAGE) if offset else None
    after: Place | None = (
        (cases[place + 1].id, offset) if place + 1 < len(cases) else (None, offset + PAGE) if offset + PAGE < total else None
    )
    return before, after


def _from_start() -> None:
    go(None, 0)


def _tab(state: ReviewState | str, counts: dict[ReviewState, int]) -> str:
    word, n = (state_word(state), counts.get(state, 0)) if isinstance(state, ReviewState) else (t("All"), sum(counts.values()))
    return f"{word} :gray[{n:,}]"


# The list


def _filters(portal: Portal, user: User, counts: dict[ReviewState, int]) -> tuple[FeedbackFilter, str]:
    """Draw the filters; return the filter and the search text, which apply to the list, its paging and the export."""
    kept = {"persist_state": "session", "on_change": _from_start}
    with st.container(key="rvfilter", gap="xsmall"):
        wanted = st.segmented_control(
            t("State"),
            [*ReviewState, ALL],
            default=ReviewState.NEW,
            required=True,
            label_visibility="collapsed",
            key="feedback-state",
            width="stretch",
            format_func=lambda each: _tab(each, counts),
            **kept,
        )
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
            label = t("Filter ({n})", n=chosen) if chosen else t("Filter")
            with st.popover(label, icon=":material/filter_list:", type="tertiary", key="rvfilters"):
                rating = st.segmented_control(
                    t("Rating"),
                    [1, -1],
                    format_func=lambda each: f":material/thumb_up: {t('Good')}" if each == 1 else f":material/thumb_down: {t('Poor')}",
                    key="feedback-rating",
                    **kept,
                )
                names = _models(portal, user)
                model = st.selectbox(t("Model"), names, index=None, placeholder=t("All models"), key="feedback-model", **kept)
                dates = st.date_input(t("Rated between (UTC)"), value=(), format="YYYY-MM-DD", key="feedback-dates", **kept)
                if st.button(t("Clear filter"), type="tertiary", key="feedback-clear", disabled=not chosen, on_click=_clear):
                    st.rerun()
            st.space("stretch")
            since, until = between(dates, UTC)
            filter = FeedbackFilter(
                rating=rating, model=model, state=wanted if isinstance(wanted, ReviewState) else None, since=since, until=until
            )
            st.download_button(
                t("Export CSV"),
                lambda: feedback_csv(portal.feedback.all(user, filter, text or "")),
                f"feedback_{datetime.now(UTC):%Y-%m-%d}.csv",
                "text/csv",
                icon=":material/download:",
                type="tertiary",
                key="feedback-csv",
                on_click="ignore",
                help=t("All cases in this list"),
            )
    return filter, text or ""


def _models(portal: Portal, user: User) -> list[str]:
    """Return the models that can be asked now, and also former models for people who may view usage."""
    past = portal.usage.choices(user)[0] if allows(user, Permission.VIEW_USAGE) else ()
    return sorted({*(model.name for model in portal.gateway.chat_models(user)), *past})


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
            f"{plain(title(case, MOST_TITLE))}  \n:small[{poor} :gray[· {plain(facts)}]]",
            icon=f":material/{ICONS[case.state]}:",
            key=f"rrow-{case.id}",
            type="tertiary",
            width="stretch",
            wrap=True,
            on_click=go,
            args=(case.id, offset),
        )
    if current:
        selected("rrow", current.id, [case.id for case in cases])
    if not cases:
        st.caption(t("No cases match.") if text or filter != FeedbackFilter() else t("No cases."))
    elif total > len(cases):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvpages"):
            st.caption(t("{first} to {last} of {total}", first=count(offset + 1), last=count(offset + len(cases)), total=count(total)))
            st.space("stretch")
            st.button(t("Newer"), type="tertiary", key="rvnewer", disabled=offset == 0, on_click=go, args=(None, offset - PAGE))
            st.button(t("Older"), type="tertiary", key="rvolder", disabled=offset + PAGE >= total, on_click=go, args=(None, offset + PAGE))


# Export


def feedback_csv(cases: Iterable[Feedback]) -> bytes:
    """Return the cases as CSV, with a header row."""
    header = (
        "id", "rated_at", "person", "group", "model", "model_version", "rating", "comment", "state", "note", "reviewer", "changed_at",
        "question", "answer", "prompt_tokens", "completion_tokens", "tokens_per_second", "first_token_s", "duration_s",
    )  # fmt: skip
    return to_csv(header, (_row(case) for case in cases))


def _row(case: Feedback) -> tuple[object, ...]:
    row = case.generation
    return (
        case.id,
        case.created_at,
        case.user_name,
        case.group,
        case.model,
        row and row.model_version,
        case.rating,
        case.comment,
        case.state,
        case.note,
        case.reviewer_name,
        case.updated_at,
        case.question,
        case.answer,
        row and row.usage.prompt_tokens,
        row and row.usage.completion_tokens,
        row and row.timings.tokens_per_second,
        row and row.timings.ttft_s,
        row and row.timings.duration_s,
    )
