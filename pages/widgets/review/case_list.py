"""The list of cases: rows, pages, and changes of several cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.review.cases.changes import CaseChange
from core.review.cases.records import CasePage, CaseState, Priority, ReviewCase
from pages.shell.frame import selected
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age, count
from pages.widgets.review.case_location import Cursors, attempt, cursors, go
from pages.widgets.review.case_words import ICONS, priority_word, state_word, title

if TYPE_CHECKING:
    from bootstrap.portal import Portal

ROW_TITLE = 72
"""Maximum number of characters of a question in the list."""
CHOSEN, CHOOSING = "feedback-chosen", "feedback-choosing"
_RESULT = "feedback-many"


def chosen() -> dict[int, int]:
    """Return the chosen cases: versions by number."""
    found: dict[int, int] = st.session_state.setdefault(CHOSEN, {})
    return found


def toggle_choosing(current: ReviewCase | None) -> None:
    """Start choosing cases with the open one, or stop."""
    st.session_state[CHOOSING] = not st.session_state.get(CHOOSING)
    st.session_state[CHOSEN] = {current.number: current.version} if st.session_state[CHOOSING] and current else {}


def rows(page: CasePage, current: ReviewCase | None) -> None:
    """Draw the cases of a page."""
    for case in page.cases:
        if st.session_state.get(CHOOSING):
            with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", wrap=False, key=f"rvchoose-{case.number}"):
                key = f"rvbox-{case.number}"
                st.session_state[key] = case.number in chosen()
                label = t("Choose case {n}", n=case.number)
                args = (case.number, case.version)
                st.checkbox(label, label_visibility="collapsed", key=key, width="content", on_change=_choose, args=args)
                _row(case)
        else:
            _row(case)
    if current:
        selected("rrow", str(current.number), [str(case.number) for case in page.cases])


def _row(case: ReviewCase) -> None:
    now = datetime.now(UTC)
    late = case.due_at is not None and case.state.is_open and case.due_at < now
    priority = f":{'red' if case.priority is Priority.HIGH else 'gray'}[{priority_word(case.priority)}]"
    facts = (
        age(case.opened_at),
        t("good rating") if case.feedback.rating > 0 else "",
        t("{n} alike", n=case.alike) if case.alike else "",
        case.assignee_name or "",
        state_word(case.state) if not case.state.is_open else "",
    )
    line = f"{priority} :gray[· {plain(' · '.join(each for each in facts if each))}]" + (f" :red[· {t('overdue')}]" if late else "")
    st.button(
        f"{plain(title(case.feedback, ROW_TITLE))}  \n:small[{line}]", icon=f":material/{ICONS[case.state]}:", key=f"rrow-{case.number}",
        type="tertiary", width="stretch", wrap=True, on_click=go, args=(case.number, cursors()),
    )  # fmt: skip


def _choose(number: int, version: int) -> None:
    if chosen().pop(number, None) is None:
        chosen()[number] = version


def foot(portal: Portal, user: User, page: CasePage, here: Cursors, page_size: int) -> None:
    """Draw where this page stands in the list, the buttons to other pages, and what the reviewer did today."""
    done = portal.case_queue.progress(user)
    first = len(here) * page_size
    where = t("{n} of {total}", n=count(len(page.cases)), total=count(page.total)) if not first and page.cases else ""
    if first:
        last = first + len(page.cases)
        where = t("{first} to {last} of {total}", first=count(first + 1), last=count(last), total=count(page.total))
    today = t("yours today: {touched} looked at, {closed} closed", touched=done.touched, closed=done.closed)
    with st.container(key="rvpages", gap="xxsmall"):
        st.caption(" · ".join(each for each in (where, today) if each))
        if here or page.next_cursor:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.button(t("Previous page"), type="tertiary", key="rvnewer", disabled=not here, on_click=go, args=("first", here[:-1]))
                st.button(
                    t("Next page"), type="tertiary", key="rvolder", disabled=page.next_cursor is None, on_click=go,
                    args=("first", (*here, page.next_cursor or "")),
                )  # fmt: skip


def bulk_bar(portal: Portal, user: User, people: Sequence[str]) -> None:
    """Draw the bar that changes the chosen cases."""
    if result := st.session_state.pop(_RESULT, None):
        st.toast(result, icon=":material/checklist:")
    if not st.session_state.get(CHOOSING):
        return
    n = len(chosen())
    with st.container(key="rvbulk", horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(f"**{t('{n} chosen', n=n)}**", width="content")
        st.space("stretch")
        with st.popover(t("Change"), disabled=not n, key="rvbulkopen"):
            wanted = st.selectbox(
                t("State"), list(CaseState)[:-1], index=None, format_func=state_word, placeholder=t("As it is"), key="rvbulk-state"
            )
            priority = st.selectbox(
                t("Priority"), list(Priority), index=None, format_func=priority_word, placeholder=t("As it is"), key="rvbulk-priority"
            )
            assignee = st.selectbox(t("Reviewer"), list(people), index=None, placeholder=t("As it is"), key="rvbulk-assignee")
            tags = st.multiselect(
                t("Add tags"), list(portal.case_queue.tags(user)), accept_new_options=True, placeholder=t("None"), key="rvbulk-tags"
            )
            change = CaseChange(state=wanted, priority=priority, assignee=assignee, add_tags=tuple(tags))
            st.button(
                t("Change {n} cases", n=n), type="primary", key="rvbulk-go", disabled=change.is_empty, on_click=callback(_change_many),
                args=(portal, user, change),
            )  # fmt: skip
        st.button(t("Cancel"), type="tertiary", key="rvbulk-no", on_click=toggle_choosing, args=(None,))


def _change_many(portal: Portal, user: User, change: CaseChange) -> None:
    def do() -> None:
        result = portal.case_work.change_many(user, dict(chosen()), change)
        words = t("{n} cases changed.", n=len(result.changed))
        if result.left:
            number, why = next(iter(result.left.items()))
            more = t("{n} were left as they are. Case {number}: {reason}", n=len(result.left), number=number, reason=error_text(why))
            words = f"{words} {more}"
        st.session_state[_RESULT] = plain(words)
        toggle_choosing(None)
        for key in ("rvbulk-state", "rvbulk-priority", "rvbulk-assignee", "rvbulk-tags"):
            st.session_state.pop(key, None)

    attempt(do)
