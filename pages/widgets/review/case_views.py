"""The views of the queue: the portal's own and those that the reviewer saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.cases.records import OPEN, OUTCOMES, CaseQuery, CaseState, Judging, SavedView, Whose
from core.review.cases.views import MAX_NAME
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.focus import focus
from pages.widgets.common.formats import count
from pages.widgets.review.case_location import from_start

if TYPE_CHECKING:
    from bootstrap.portal import Portal

NEEDED, MINE, NOBODYS, UNANSWERED, GOOD, CLOSED, EVERY = "needed", "mine", "nobodys", "unanswered", "good", "closed", "all"
SECOND, DECISION = "second", "decision"
QUERIES: Mapping[str, CaseQuery] = {
    NEEDED: CaseQuery(states=OPEN, complaint=True),
    MINE: CaseQuery(states=OPEN, whose=Whose.MINE),
    NOBODYS: CaseQuery(states=OPEN, complaint=True, whose=Whose.NOBODY),
    SECOND: CaseQuery(judging=Judging.SECOND),
    DECISION: CaseQuery(judging=Judging.DECISION),
    UNANSWERED: CaseQuery(states=(CaseState.FIXED,), unanswered=True),
    GOOD: CaseQuery(states=OPEN, rating=1),
    CLOSED: CaseQuery(states=(*OUTCOMES, CaseState.CLOSED)),
    EVERY: CaseQuery(),
}
VIEW = "feedback-view"
FILTERS: Mapping[str, object] = {
    "feedback-search": "", "feedback-rating": None, "feedback-model": None, "feedback-priority": None, "feedback-assignee": None,
    "feedback-tag": None, "feedback-overdue": False, "feedback-dates": (),
}  # fmt: skip
"""The widgets of the filter, each with its empty value."""
_SAVE, _REMOVE = "save", "remove"


@dataclass(frozen=True, slots=True)
class ChosenView:
    name: str
    base: CaseQuery
    own: bool = False
    """Whether this reviewer saved it."""
    shared: bool = False


def chosen_view(views: Sequence[SavedView]) -> ChosenView:
    """Return the view that is shown now."""
    key = st.session_state.setdefault(VIEW, NEEDED)
    for view in views:
        if key == _key(view):
            return ChosenView(view.name, view.query, own=not view.owner_name, shared=view.shared)
    if key not in QUERIES:
        key = st.session_state[VIEW] = NEEDED
    return ChosenView(_words()[key], QUERIES[key])


def view_menu(portal: Portal, user: User, views: Sequence[SavedView], chosen: ChosenView, current: CaseQuery, total: int) -> None:
    """Draw the menu on the queue's name. current: what the list shows, which can be saved."""
    counted = {key: portal.case_queue.count(user, QUERIES[key]) for key in (MINE, SECOND, DECISION, UNANSWERED)}
    words = {key: f"{word}, {count(counted[key])}" if counted.get(key) else word for key, word in _words().items()}
    words |= {_key(view): _line(portal, user, view) for view in views}
    words |= {_SAVE: f":material/bookmark_add: {t('Save this view')}"}
    if chosen.own:
        words |= {_REMOVE: f":material/delete: {t('Delete this view')}"}
    label = f"**{plain(chosen.name)}** :gray[{count(total)}]"
    picked = st.menu_button(label, list(words), format_func=words.__getitem__, type="tertiary", key="rvviews")
    if picked == _SAVE:
        _ask_name(portal, user, chosen, current)
    elif picked == _REMOVE:
        portal.case_views.remove(user, chosen.name)
        _show(NEEDED, QUERIES[NEEDED])
        st.rerun()
    elif picked is not None:
        _show(picked, next((view.query for view in views if _key(view) == picked), CaseQuery()))
        st.rerun()


def _line(portal: Portal, user: User, view: SavedView) -> str:
    """Return a saved view with its owner if that is somebody else, and the number of its cases unless it searches for words."""
    owner = f" :gray[{plain(view.owner_name)}]" if view.owner_name else ""
    try:
        number = 0 if view.query.words else portal.case_queue.count(user, view.query)
    except PortalError:  # It filters by a person who is gone.
        number = 0
    return f"{plain(view.name)}{f', {count(number)}' if number else ''}{owner}"


def _show(key: str, query: CaseQuery) -> None:
    """Choose a view, and set the filter to what it was saved with."""
    st.session_state[VIEW] = key
    saved = {
        "feedback-search": query.words, "feedback-rating": query.rating, "feedback-model": query.model, "feedback-priority": query.priority,
        "feedback-assignee": query.assignee, "feedback-tag": query.tag, "feedback-overdue": query.overdue,
    }  # fmt: skip
    st.session_state["feedback-wanted"] = {**FILTERS, **saved}
    from_start()


def _ask_name(portal: Portal, user: User, chosen: ChosenView, current: CaseQuery) -> None:
    @dialog(t("Save this view"))
    def ask() -> None:
        with st.form("feedback-view-form", border=False):
            name = st.text_input(t("Name"), chosen.name if chosen.own else "", max_chars=MAX_NAME, key="view-name")
            shared = st.checkbox(t("All reviewers see it"), chosen.own and chosen.shared, key="view-shared")
            st.caption(t("It keeps the view, the search and the filter, but not the dates."))
            sent = st.form_submit_button(t("Save"), type="primary", key="view-save")
        focus("view-name")
        if sent:
            try:
                view = portal.case_views.save(user, name, current, shared=shared)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            st.session_state[VIEW] = _key(view)
            st.rerun()

    ask()


def _key(view: SavedView) -> str:
    return f"saved-{view.id}"


def _words() -> dict[str, str]:
    return {
        NEEDED: t("Needs a look"), MINE: t("Mine"), NOBODYS: t("Unassigned"), SECOND: t("Second judgement"), DECISION: t("To decide"),
        UNANSWERED: t("Fixed, no reply"), GOOD: t("Good ratings"),
        CLOSED: t("Closed"), EVERY: t("All ratings"),
    }  # fmt: skip
