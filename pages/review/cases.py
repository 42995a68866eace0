"""Cases: ratings that reviewers work on, as list, case and properties. Everything can be reached by keyboard."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.people.records import User
from core.review.cases.records import CasePage, CaseQuery, ReviewCase
from pages.shell.frame import blank, one_pane, open_page
from pages.shell.words import error_text, t
from pages.widgets.chat.follow import keep_in_sight
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import count
from pages.widgets.rating.names import names_line
from pages.widgets.review.case_csv import case_csv
from pages.widgets.review.case_filters import clear_all, filter_menu, search_field, set_wanted, without_one_filter
from pages.widgets.review.case_list import bulk_bar, foot, rows, toggle_choosing
from pages.widgets.review.case_location import FIRST, LAST, NEXT, OPEN, CasePosition, Cursors, cursors, go
from pages.widgets.review.case_properties import draw_facts, draw_properties
from pages.widgets.review.case_view import draw_case
from pages.widgets.review.case_views import chosen_view, view_menu
from pages.widgets.review.case_watch import watch
from pages.widgets.review.judging.guidelines import guidelines_beside
from pages.widgets.review.judging.judgement import judgement_beside
from pages.widgets.review.judging.set_up import set_up_menu

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PAGE = 50
LEFT, RIGHT = ".st-key-rvlist", ".st-key-rvcase, .st-key-rvprops"
"""The CSS selectors of the panes."""


def render(portal: Portal, user: User) -> None:
    state = st.session_state
    try:
        if not portal.case_queue.count(user, CaseQuery()):
            blank(
                t("No ratings yet"),
                t("People can rate each answer good or poor. Every rating appears here, with its question and answer."),
            )
            return
        people = portal.case_queue.reviewers(user)
    except PortalError as problem:
        blank(t("The cases are unavailable"), plain(error_text(problem)))
        return
    picked = state.get(OPEN)
    # The key is the same for every case: a container with a new key would scroll its list back to the top.
    with st.container(key="rv"):
        one_pane(RIGHT if picked is None else LEFT)
        left, middle, right = st.columns([1.15, 2.1, 0.85], gap="medium")
        with left, st.container(key="rvlist", gap="xxsmall"):
            here = cursors()
            try:
                query, page = _queue(portal, user, here)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            if not page.cases and here:
                go(None, ())
                st.rerun()
            current = _current(portal, user, page, picked)
            bulk_bar(portal, user, people)
            rows(page, current)
            if not page.cases:
                _empty(portal, user, query)
            foot(portal, user, page, here, PAGE)
            keep_in_sight("feedback", f"rrow-{current.number}" if current else "")
        if current is None:
            with middle:
                blank(t("No case is open"), t("Choose another view, or clear the search and the filter."), key="blank-feedback")
            return
        before, after = _neighbours(page, current, here)
        opened = portal.case_queue.open(user, current.number)
        lock = opened.case.held_by_other(user.id, datetime.now(UTC))
        with middle, st.container(key="rvcase", gap="small"):
            draw_case(portal, user, opened, before, after, lock)
        with right, st.container(key="rvprops", gap="small"):
            draw_properties(portal, user, opened.case, people, locked=lock is not None)
            judgement_beside(portal, user, opened.case, locked=lock is not None)
            guidelines_beside(portal, user)
            names_line(portal, user, opened.case)
            draw_facts(opened.case)
        watch(portal, user, opened.case)


def _queue(portal: Portal, user: User, here: Cursors) -> tuple[CaseQuery, CasePage]:
    """Draw the view, the search and the filter; return what they ask for, and its page."""
    set_wanted()
    views = portal.case_views.list(user)
    chosen = chosen_view(views)
    with st.container(key="rvfilter", gap="xsmall"):
        head = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvview")
        words = search_field()
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="rvtools"):
            query = filter_menu(portal, user, chosen.base, words)
            st.space("stretch")
            st.button(
                t("Choose"), icon=":material/checklist:", type="tertiary", key="rvchoose", help=t("Change several cases at once"),
                on_click=toggle_choosing, args=(None,),
            )  # fmt: skip
            name = f"feedback_{datetime.now(UTC):%Y-%m-%d}.csv"
            st.download_button(
                t("Export CSV"), lambda: case_csv(portal.case_export.all(user, query)), name, "text/csv", icon=":material/download:",
                type="tertiary", key="feedback-csv", on_click="ignore", help=t("All cases in this list"),
            )  # fmt: skip
        page = portal.case_queue.find(user, query, PAGE, here[-1] if here else None)
        with head:
            view_menu(portal, user, views, chosen, query, page.total)
            st.space("stretch")
            if st.button(t("Progress"), icon=":material/monitoring:", type="tertiary", key="icon-rvprogress", help=t("Review progress")):
                open_page("review_progress")
            set_up_menu(portal, user)
    return query, page


def _empty(portal: Portal, user: User, query: CaseQuery) -> None:
    """Say that the list is empty, and which one of the filters hides cases by itself."""
    with st.container(key="rvempty", gap="xsmall"):
        narrowed = any((query.words, query.priority, query.assignee, query.tag, query.model, query.overdue, query.since))
        st.markdown(f"**{t('No cases match.') if narrowed else t('No cases.')}**")
        for name, wider in without_one_filter(query):
            if found := portal.case_queue.count(user, wider):
                st.caption(t("Without {filter}: {n}", filter=name, n=count(found)))
        if narrowed:
            st.button(t("Clear the search and the filter"), key="rvclear", on_click=clear_all)


def _current(portal: Portal, user: User, page: CasePage, picked: int | str | None) -> ReviewCase | None:
    """Return the picked case, even if it has just left the list; else the first."""
    if picked in (FIRST, LAST) and page.cases:
        found = page.cases[0 if picked == FIRST else -1]
        st.session_state[OPEN] = found.number
        return found
    listed = next((case for case in page.cases if case.number == picked), None)
    if listed is None and isinstance(picked, int):
        try:
            return portal.case_queue.get(user, picked)
        except NotFound:
            go(None, cursors())
    return listed or next(iter(page.cases), None)


def _neighbours(page: CasePage, current: ReviewCase, here: Cursors) -> tuple[CasePosition | None, CasePosition | None]:
    """Return the previous and the next case, which may be on other pages of the list."""
    numbers = [case.number for case in page.cases]
    if current.number not in numbers:
        left = st.session_state.get(NEXT)
        if left and left[0] in numbers:
            return None, left
        return None, (numbers[0], here) if numbers else None
    index = numbers.index(current.number)
    before: CasePosition | None = (numbers[index - 1], here) if index else (LAST, here[:-1]) if here else None
    after: CasePosition | None = (
        (numbers[index + 1], here) if index + 1 < len(numbers) else (FIRST, (*here, page.next_cursor)) if page.next_cursor else None
    )
    return before, after
