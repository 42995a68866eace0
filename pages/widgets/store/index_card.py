"""The search index on the Store page: its lag, its failed changes, and actions to fix both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.operations.index_maintenance import IndexState
from core.people.records import User
from core.search.records import Reconciliation
from pages.shell.live_part import dialog, part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title, facts_list
from pages.widgets.common.formats import age, count, seconds

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 3.0
BEHIND_S = 2.0
"""Seconds of lag above which the card shows it."""
SHOWN = 5
"""Maximum number of rejected changes listed one by one."""
ENGINES = {"sqlite": "SQLite FTS5", "postgresql": "PostgreSQL", "elasticsearch": "Elasticsearch"}


def index_card(portal: Portal, user: User) -> None:
    """Draw the card, which redraws itself every LIVE_S seconds."""
    with st.container(border=True, key="card-index", gap="small"):
        part(_live, every=LIVE_S)(portal, user)


def _live(portal: Portal, user: User) -> None:
    state = portal.index_maintenance.state(user)
    engine = ENGINES.get(state.engine, t("None"))
    card_title(f"{t('Search index')} {_badge(state)}", t("Follows every change of the database automatically"))
    if state.engine == "none":
        st.markdown(t("Search is off: an index would store the encrypted chats in readable form. PORTAL_INDEX_PLAINTEXT=true allows that."))
        return
    facts_list(
        [
            (t("Engine"), engine),
            (t("Pending changes"), count(state.pending)),
            (t("Lag"), seconds(state.behind_seconds) if state.behind_seconds else "0 s"),
            (t("Rejected"), count(state.rejected)),
        ]
    )
    if state.last is not None:
        st.caption(_compared(state.last))
    with st.container(horizontal=True, gap="xsmall"):
        compare = t("Comparing") if state.reconciling else t("Compare with the database")
        if st.button(compare, disabled=state.reconciling, key="index-compare"):
            done = t("The database and the index are being compared; differences are repaired.")
            _do(lambda: portal.index_maintenance.reconcile(user), done)
        if st.button(t("Rebuild"), disabled=state.rebuilding, key="index-rebuild"):
            _ask_to_rebuild(portal, user)
    if state.rejected:
        _rejected(portal, user, state.rejected)


def _badge(state: IndexState) -> str:
    if state.engine == "none":
        return f":gray-badge[{t('Off')}]"
    if state.rejected:
        return f":red-badge[:material/error: {t('{n} changes rejected', n=state.rejected)}]"
    if state.rebuilding:
        return f":orange-badge[:material/timelapse: {t('Rebuilding')}]"
    if state.behind_seconds > BEHIND_S:
        return f":orange-badge[:material/timelapse: {t('{age} behind', age=seconds(state.behind_seconds))}]"
    return f":green-badge[:material/check_circle: {t('Up to date')}]"


def _compared(last: Reconciliation) -> str:
    differing = last.missing + last.outdated + last.phantom
    found = t("no difference") if not differing else t("{n} repaired", n=differing)
    return f"{t('Last compared')}: {age(last.ended_at)} · {t('{n} documents', n=last.compared)} · {found}"


def _rejected(portal: Portal, user: User, rejected: int) -> None:
    with st.container(key="fail-index", gap="xsmall"):
        st.markdown(t(
            "The index rejected these changes five times. They are kept; until they succeed, search may miss these items or show an "
            "older version."
        ))
        for job in portal.index_maintenance.rejected_jobs(user, SHOWN):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"job-{job.number}"):
                words = f"{job.kind} {job.document_id}"
                st.markdown(f"{plain(words)}  \n:small[:gray[{plain(job.error[:200])}]]", width="stretch")
                if st.button(t("Try again"), type="tertiary", key=f"retry-{job.number}"):
                    _do(lambda number=job.number: portal.index_maintenance.retry(user, number), t("It is being retried."))  # type: ignore[misc]
        if rejected > SHOWN:
            st.caption(t("{shown} of {n} shown, the oldest first.", shown=SHOWN, n=count(rejected)))
        if rejected > 1 and st.button(t("Retry all"), key="retry-all"):
            _do(lambda: portal.index_maintenance.retry(user), t("They are being retried."))


def _ask_to_rebuild(portal: Portal, user: User) -> None:
    @dialog(t("Rebuild the search index?"))
    def ask() -> None:
        st.markdown(t(
            "A new index is being filled beside this one. Until it is complete, searches use the old one and miss recent changes."
        ))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="rebuild-no"):
                st.rerun()
            if st.button(t("Rebuild"), type="primary", key="rebuild-yes"):
                _do(lambda: portal.index_maintenance.rebuild(user), t("The index is being rebuilt."))

    ask()


def _do(action: Callable[[], object], done: str) -> None:
    """Run the action and redraw the page; show the error if it fails."""
    try:
        action()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        st.toast(done, icon=":material/check:")
        st.rerun()
