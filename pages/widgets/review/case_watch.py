"""Keep the open case up to date: show what others change, keep the own lock, and give it back when another case is opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.cases.records import ReviewCase
from pages.shell.live_part import part

if TYPE_CHECKING:
    from bootstrap.portal import Portal

EVERY_S = 15.0
_HELD = "feedback-held"
_RENEW = timedelta(minutes=5)
"""A lock that ends sooner is renewed."""


def watch(portal: Portal, user: User, case: ReviewCase) -> None:
    """Draw it once per run, for the case that is open."""
    held = st.session_state.get(_HELD)
    if held is not None and held != case.number:
        _leave(portal, user, held)
    st.session_state[_HELD] = case.number if case.lock and case.lock.holder_id == user.id else None
    part(_look, every=EVERY_S)(portal, user, case)


def _leave(portal: Portal, user: User, number: int) -> None:
    try:
        portal.case_work.leave(user, number)
    except PortalError:
        pass  # The lock ends by itself.


def _look(portal: Portal, user: User, drawn: ReviewCase) -> None:
    now = datetime.now(UTC)
    try:
        case = portal.case_queue.get(user, drawn.number)
        if case.lock and case.lock.holder_id == user.id and case.lock.until > now and case.lock.until - now < _RENEW:
            portal.case_work.start(user, case.number)
    except PortalError:
        return
    names_ended = drawn.names_until is not None and case.names_until is None
    if names_ended or (case.version, _holder(case, user, now)) != (drawn.version, _holder(drawn, user, now)):
        st.rerun()


def _holder(case: ReviewCase, user: User, now: datetime) -> str:
    lock = case.held_by_other(user.id, now)
    return lock.holder_id if lock else ""
