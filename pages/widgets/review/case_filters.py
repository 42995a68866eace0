"""The search and the filter above the list of cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.cases.records import CaseQuery, Priority
from pages.shell.words import t
from pages.widgets.review.case_location import from_start
from pages.widgets.review.case_views import FILTERS
from pages.widgets.review.case_words import priority_word
from pages.widgets.usage.days import between

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_KEPT: dict[str, Any] = {"persist_state": "session", "on_change": from_start}


def set_wanted() -> None:
    """Set the widgets to the filter of the view that was just chosen. Call it before they are drawn."""
    for key, value in st.session_state.pop("feedback-wanted", {}).items():
        st.session_state[key] = value


def search_field() -> str:
    return st.text_input(
        t("Search"), type="search", placeholder=t("Search questions, answers, comments"), live=True, label_visibility="collapsed",
        key="feedback-search", **_KEPT,
    ) or ""  # fmt: skip


def filter_menu(portal: Portal, user: User, base: CaseQuery, words: str) -> CaseQuery:
    """Draw the filter. Return what it, the search and the view ask for together."""
    chosen = sum(bool(st.session_state.get(key)) for key in FILTERS if key != "feedback-search")
    label = t("Filter ({n})", n=chosen) if chosen else t("Filter")
    with st.popover(label, icon=":material/filter_list:", type="tertiary", key="rvfilters"):
        rating = st.segmented_control(t("Rating"), [1, -1], format_func=_thumb, key="feedback-rating", **_KEPT)
        priority = st.segmented_control(t("Priority"), list(Priority), format_func=priority_word, key="feedback-priority", **_KEPT)
        assignee = _choice(t("Reviewer"), t("All reviewers"), portal.case_queue.reviewers(user), "feedback-assignee")
        tag = _choice(t("Tag"), t("All tags"), list(portal.case_queue.tags(user)), "feedback-tag")
        model = _choice(t("Model"), t("All models"), _models(portal, user), "feedback-model")
        dates = st.date_input(t("Rated between (UTC)"), value=(), format="YYYY-MM-DD", key="feedback-dates", **_KEPT)
        overdue = st.checkbox(t("Only overdue cases"), key="feedback-overdue", **_KEPT)
        if st.button(t("Clear filter"), type="tertiary", key="feedback-clear", disabled=not chosen, on_click=clear):
            st.rerun()
    since, until = between(dates, UTC)
    return replace(
        base, words=words, rating=rating if rating is not None else base.rating, priority=priority, assignee=assignee, tag=tag, model=model,
        overdue=overdue, since=since, until=until,
    )  # fmt: skip


def without_one_filter(query: CaseQuery) -> list[tuple[str, CaseQuery]]:
    """Return the query without each of its filters, with the filter's name. Words count as one, so a search for them leaves the rest."""
    without: dict[str, tuple[object, CaseQuery]] = {
        t("the search"): (query.words, replace(query, words="")),
        t("the priority"): (query.priority, replace(query, priority=None)),
        t("the reviewer"): (query.assignee, replace(query, assignee=None)),
        t("the tag"): (query.tag, replace(query, tag=None)),
        t("the model"): (query.model, replace(query, model=None)),
        t("the dates"): (query.since, replace(query, since=None, until=None)),
        t("“only overdue”"): (query.overdue, replace(query, overdue=False)),
    }  # fmt: skip
    # The number of cases with words is not counted, so only the search itself is left out of a query that has some.
    return [(name, wider) for name, (value, wider) in without.items() if value and not wider.words]


def clear() -> None:
    """Empty the filter; the search stays."""
    st.session_state["feedback-wanted"] = {key: empty for key, empty in FILTERS.items() if key != "feedback-search"}
    from_start()


def clear_all() -> None:
    """Empty the filter and the search."""
    st.session_state["feedback-wanted"] = dict(FILTERS)
    from_start()


def _choice(label: str, everything: str, options: list[str] | Any, key: str) -> str | None:
    """Draw a choice that keeps a chosen value which is no longer among the options, as of a saved view."""
    chosen = st.session_state.get(key)
    listed = [*options, *([chosen] if chosen and chosen not in options else [])]
    found: str | None = st.selectbox(label, listed, index=None, placeholder=everything, key=key, **_KEPT)
    return found


def _thumb(rating: int) -> str:
    return f":material/thumb_up: {t('Good')}" if rating == 1 else f":material/thumb_down: {t('Poor')}"


def _models(portal: Portal, user: User) -> list[str]:
    """Return the models that can be asked now, and also former models for people who may view usage."""
    past = portal.usage.choices(user)[0] if allows(user, Permission.VIEW_USAGE) else ()
    return sorted({*(model.name for model in portal.gateway.chat_models(user)), *past})
