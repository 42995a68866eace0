"""Audit (admin): audit events, newest first, with search, filters and an export."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.access.audit_chain import Fault
from core.errors import PortalError
from core.people.audit import MAX_FOUND, AuditPage
from core.people.audit_records import THE_PORTAL, AuditEntry, AuditFilter
from core.people.records import User
from core.usage.csv_file import to_csv
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.audit_words import details_words, event_word, target_word
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import count, seconds
from pages.widgets.usage.days import between

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PAGE = 100
BEHIND_S = 2.0
_CURSORS = "audit_cursors"
"""The session key of the cursors: one for each page up to the one shown, so that "Newer" can go back."""


def render(portal: Portal, user: User) -> None:
    actions = frame.page_head(t("Audit"), t("Who did what, and when. Only a retention rule removes events."), key="audit")
    filter, text = _filters(portal, user)
    try:
        page = portal.audit.find(user, filter, text, PAGE, _cursors()[-1])
    except PortalError as problem:
        without = t("The list still works without a search.")
        if frame.blank(t("Audit search is unavailable"), f"{plain(error_text(problem))} {without}", t("Try again"), key="blank-audit"):
            st.rerun()
        return
    with actions:
        st.download_button(
            t("Export CSV"), lambda: audit_csv(portal.audit.all(user, filter, text)), f"audit_{datetime.now(UTC):%Y-%m-%d}.csv",
            "text/csv", icon=":material/download:", key="audit-csv", on_click="ignore", help=t("All events in this list"),
        )  # fmt: skip
    if not page.entries:
        if text or filter != AuditFilter():
            frame.blank(t("No events match"), t("Change the search, the dates or the filters."), key="blank-audit")
        else:
            frame.blank(t("No events"), t("No events have been recorded yet."), key="blank-audit")
        return
    _table(page)
    _pages(page)
    _chain(portal, user)


def _chain(portal: Portal, user: User) -> None:
    """Show when the hash chain was last verified, and verify it on demand."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="auditchain"):
        if st.button(t("Verify"), icon=":material/verified:", key="audit-verify", help=t("Check that no event was changed or removed")):
            found = portal.audit_chain.verify(user)
            st.markdown(chain_words(found.fault, found.events, found.event_id or "", found.head))
            return
        last = portal.audit_chain.last(user)
        if last is None:
            st.caption(t("The chain of events is verified every night."))
        else:
            words = chain_words(last.fault, last.events, last.event_id or "", last.head)
            st.markdown(f":small[{words} · {t('verified {when}', when=f'{last.at:%Y-%m-%d %H:%M} UTC')}]")


def chain_words(fault: Fault | None, events: int, event_id: str, head: str) -> str:
    """Return the result of a verification as a sentence."""
    if fault is None:
        return f":green[:material/check_circle: {t('{n} events, none changed or removed', n=events)}] · {t('head {hash}', hash=head[:16])}"
    return f":red[:material/error: {t(FAULTS[fault], id=event_id.lstrip('0'))}]"


FAULTS = {
    Fault.CHANGED: "Event {id} was changed. Compare the log with a backup.",
    Fault.MISSING: "Events before {id} are missing. Compare the log with a backup.",
    Fault.UNCHAINED: "Event {id} was not written by the portal. Compare the log with a backup.",
    Fault.CUT: "The newest events are missing. Compare the log with a backup.",
}


def _filters(portal: Portal, user: User) -> tuple[AuditFilter, str]:
    kept = {"persist_state": "session", "on_change": _from_start, "label_visibility": "collapsed"}
    kinds, people = portal.audit.choices(user)
    names = {THE_PORTAL: t("The portal itself")} | {each.id: each.name for each in people}
    with st.container(key="auditfilters", horizontal=True, gap="xsmall", vertical_alignment="center"):
        text = st.text_input(
            t("Search"), type="search", live=True, placeholder=t("Search people, targets, details"), key="audit-search", **kept
        )
        action = st.selectbox(t("Event"), kinds, None, event_word, placeholder=t("All events"), key="audit-action", **kept)
        actor = st.selectbox(t("Person"), list(names), None, names.__getitem__, placeholder=t("Everyone"), key="audit-actor", **kept)
        dates = st.date_input(t("Dates (UTC)"), (), format="YYYY-MM-DD", key="audit-dates", **kept)
    since, until = between(dates, UTC)
    return AuditFilter(action=action, actor_id=actor, since=since, until=until), text or ""


def _table(page: AuditPage) -> None:
    rows = data_frame(
        [
            (entry.event.at, _who(entry), event_word(entry.event.action), target_word(entry, page.raters), details_words(entry))
            for entry in page.entries
        ],
        columns=["at", "who", "action", "subject", "details"],
    )
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key="audit-table",
        column_config={
            "at": st.column_config.DatetimeColumn(t("Time (UTC)"), format="YYYY-MM-DD HH:mm:ss", timezone="UTC", width=165),
            "who": st.column_config.TextColumn(t("Who"), width=150),
            "action": st.column_config.TextColumn(t("Event"), width=170),
            "subject": st.column_config.TextColumn(t("Target"), width=230),
            "details": st.column_config.TextColumn(t("Details"), width=620),
        },
    )


def _pages(page: AuditPage) -> None:
    before = (len(_cursors()) - 1) * PAGE
    end = before + len(page.entries)
    facts = [t("{first} to {last} of {total}", first=count(before + 1), last=count(end), total=count(page.total))]
    if page.cut:
        facts.append(t("the newest {n} matches; choose dates to find older ones", n=count(MAX_FOUND)))
    if page.behind_seconds > BEHIND_S:
        facts.append(t("the index is {age} behind, so newer items are missing", age=seconds(page.behind_seconds)))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="auditpages"):
        st.caption(plain(" · ".join(facts)))
        first, last = len(_cursors()) == 1, page.next_cursor is None
        if first and last:
            return
        st.space("stretch")
        st.button(t("Newer"), type="tertiary", key="audit-newer", disabled=first, on_click=_newer)
        st.button(t("Older"), type="tertiary", key="audit-older", disabled=last, on_click=_older, args=(page.next_cursor,))


def _cursors() -> list[str | None]:
    cursors: list[str | None] = st.session_state.setdefault(_CURSORS, [None])
    return cursors


def _from_start() -> None:
    st.session_state[_CURSORS] = [None]


def _newer() -> None:
    _cursors().pop()


def _older(cursor: str) -> None:
    _cursors().append(cursor)


def _who(entry: AuditEntry) -> str:
    if entry.event.actor_id is None:
        return t("The portal itself")
    return entry.actor_name or entry.event.actor_id


def _details(entry: AuditEntry) -> str:
    return ", ".join(f"{name}: {value}" for name, value in entry.event.details.items() if value)


# Export


def audit_csv(entries: Iterable[AuditEntry]) -> bytes:
    """Return the entries as CSV, with a header row."""
    header = ("number", "at", "actor", "action", "subject", "details")
    return to_csv(header, (_row(entry) for entry in entries))


def _row(entry: AuditEntry) -> tuple[object, ...]:
    event = entry.event
    return int(entry.id), event.at, entry.actor_name or event.actor_id, event.action, event.subject, _details(entry)
