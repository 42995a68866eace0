"""The bell on every page: the number of unread notices, the newest notices, and notifications of the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.notices.records import Notice, NoticeKind, Unread
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import t
from pages.widgets.chat.linked_message import CONVERSATION
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age
from pages.widgets.common.job_words import KINDS
from pages.widgets.common.script import component
from pages.widgets.sharing.share_dialog import LINK
from pages.widgets.tasks.task_list import TASK

if TYPE_CHECKING:
    from bootstrap.portal import Portal

EVERY_S = 20.0
"""Seconds between two checks for unread notices while the page is visible. A check costs one query and does not rerun the page."""
LISTED = 20
_SENTENCES = {
    NoticeKind.ANSWER_READY: "Answer ready: {subject}",
    NoticeKind.SHARE_RECEIVED: "Shared with you: {subject}",
    NoticeKind.FEEDBACK_RESOLVED: "Your feedback was resolved: {subject}",
    NoticeKind.FEEDBACK_REPLIED: "A reviewer answered your feedback: {subject}",
    NoticeKind.NAME_REVEALED: "A reviewer saw your name: {subject}",
    NoticeKind.JOB_DONE: "Done: {subject}",
    NoticeKind.JOB_FAILED: "Failed: {subject}",
    NoticeKind.ALERT_FIRING: "Alert: {subject}",
    NoticeKind.ALERT_OVER: "Alert over: {subject}",
    NoticeKind.EXPERIMENT_ENDED: "Experiment ended: {subject}",
    NoticeKind.TASK_DONE: "Task done: {subject}",
    NoticeKind.TASK_FAILED: "Task failed: {subject}",
    NoticeKind.TASK_ASKS: "Task asks you: {subject}",
    NoticeKind.SCHEDULE_STOPPED: "Schedule stopped: {subject}",
    NoticeKind.REPORT_READY: "New report: {subject}",
    NoticeKind.REPORT_STOPPED: "A report was not made: {subject}",
}
_BARE = {
    NoticeKind.ANSWER_READY: "An answer is ready",
    NoticeKind.SHARE_RECEIVED: "A chat was shared with you",
    NoticeKind.FEEDBACK_RESOLVED: "Your feedback was resolved",
    NoticeKind.FEEDBACK_REPLIED: "A reviewer answered your feedback",
    NoticeKind.NAME_REVEALED: "A reviewer saw your name",
    NoticeKind.TASK_DONE: "A task is done",
    NoticeKind.TASK_FAILED: "A task failed",
    NoticeKind.TASK_ASKS: "A task asks you something",
    NoticeKind.SCHEDULE_STOPPED: "A schedule of a task stopped",
}
"""Sentences without the title of a chat or task."""
_ICONS = {
    NoticeKind.ANSWER_READY: "chat_bubble",
    NoticeKind.SHARE_RECEIVED: "ios_share",
    NoticeKind.FEEDBACK_RESOLVED: "check_circle",
    NoticeKind.FEEDBACK_REPLIED: "reply",
    NoticeKind.NAME_REVEALED: "visibility",
    NoticeKind.JOB_DONE: "task_alt",
    NoticeKind.JOB_FAILED: "error",
    NoticeKind.ALERT_FIRING: "notification_important",
    NoticeKind.ALERT_OVER: "check_circle",
    NoticeKind.EXPERIMENT_ENDED: "science",
    NoticeKind.TASK_DONE: "task_alt",
    NoticeKind.TASK_FAILED: "error",
    NoticeKind.TASK_ASKS: "contact_support",
    NoticeKind.SCHEDULE_STOPPED: "event_busy",
    NoticeKind.REPORT_READY: "summarize",
    NoticeKind.REPORT_STOPPED: "error",
}
_OF_USAGE = frozenset({NoticeKind.ALERT_FIRING, NoticeKind.ALERT_OVER, NoticeKind.REPORT_READY, NoticeKind.REPORT_STOPPED})
_JOB_PAGES = {"conversation.import": "account", "grounding.batch": "images"}
"""Pages on which people see the results of these jobs; admins see all jobs on the Jobs page."""

_notify = component("notify", file="notices.js", html="<div class='notify'></div>")
_checks = component("checks", file="notices.js", html="<i></i>")


def notice_bell(portal: Portal, user: User) -> None:
    """Draw the bell. Call it once per run, outside of fragments."""
    if allows(user, Permission.CHAT):
        part(_bell)(portal, user)


def _bell(portal: Portal, user: User) -> None:
    try:
        # The open chat's answer is being looked at, although the page has not marked it as read yet: the bell is drawn first.
        unread = portal.notices.unread(user, str(st.query_params.get(CONVERSATION, "")))
    except PortalError:
        unread = Unread()
    with st.container(key="bell"):
        label = t("Notices, {n} unread", n=unread.count) if unread.count else t("Notices")
        if unread.count:
            shown = "99+" if unread.count > 99 else str(unread.count)
            st.html(f"<style>.st-key-bell button[data-testid='stPopoverButton']::after {{ content: '{shown}' }}</style>")
        with st.popover(label, icon=":material/notifications:", type="tertiary", key="bell-open", on_change="rerun") as box:
            if box.open:
                notice_list(portal, user, unread)
    with st.container(key="zero-checks"):
        # Not `run_every`: the browser checks at once when the page becomes visible, and not at all while it is hidden.
        _checks(key="bell-checks", data=[{"every": EVERY_S}], height=1, on_check_change=_rerun)
    _notify_browser(portal, user, unread)


def _rerun() -> None:
    """Do nothing: a component reports a trigger only if there is a callback."""


def notice_list(portal: Portal, user: User, unread: Unread) -> None:
    """Draw the newest notices and the button that marks all as read."""
    try:
        found = portal.notices.list(user, LISTED)
    except PortalError:
        found = unread.newest
    with st.container(key="bell-list", gap=None, width=320):
        if not found:
            st.caption(t("Nothing yet. Notices appear here when an answer is ready, a chat is shared with you, or a job is done."))
        for notice in found:
            _row(portal, user, notice)
        if unread.count and st.button(t("Mark all as read"), icon=":material/done_all:", type="tertiary", key="bell-all"):
            portal.notices.mark_all_read(user)
            st.rerun(scope="fragment")


def _row(portal: Portal, user: User, notice: Notice) -> None:
    where = _leads_to(user, notice)
    weight = "" if notice.read_at is not None else "**"
    label = f"{weight}{plain(sentence(notice))}{weight}  \n:small[:gray[{age(notice.created_at)}]]"
    if st.button(
        label, icon=f":material/{_ICONS[notice.kind]}:", type="tertiary", width="stretch", wrap=True, key=f"notice-{notice.id}",
        disabled=where is None and notice.read_at is not None,
    ):  # fmt: skip
        try:
            portal.notices.mark_read(user, notice.id)
        except PortalError:
            pass  # The notice is gone, because its chat was deleted meanwhile.
        if where is None:
            st.rerun(scope="fragment")
        else:
            path, query = where
            frame.open_page(path, **query)


def sentence(notice: Notice, *, titles: bool = True) -> str:
    """Return the text of a notice, as plain text. titles: whether to include the title of its chat or task; jobs have none."""
    if notice.kind in (NoticeKind.JOB_DONE, NoticeKind.JOB_FAILED):
        return t(_SENTENCES[notice.kind], subject=t(KINDS.get(notice.subject, notice.subject)))
    if notice.kind in _OF_USAGE:
        return t(_SENTENCES[notice.kind], subject=notice.subject)
    if not titles or not notice.target:
        return t(_BARE[notice.kind])
    return t(_SENTENCES[notice.kind], subject=notice.subject or t("New chat"))


def _leads_to(user: User, notice: Notice) -> tuple[str, dict[str, str]] | None:
    """Return the page and the query parameters to which a notice leads; None if there is nothing to open."""
    match notice.kind:
        case NoticeKind.FEEDBACK_RESOLVED | NoticeKind.FEEDBACK_REPLIED | NoticeKind.NAME_REVEALED:
            return ("my-feedback", {})
        case NoticeKind.ANSWER_READY:
            return (frame.START, {CONVERSATION: notice.target}) if notice.target else None
        case NoticeKind.SHARE_RECEIVED:
            return ("shared", {LINK: notice.target}) if notice.target else None
        case NoticeKind.EXPERIMENT_ENDED:
            return ("experiments", {"experiment": notice.target}) if allows(user, Permission.RUN_MODELS) else None
        case NoticeKind.ALERT_FIRING | NoticeKind.ALERT_OVER:
            return ("alerts", {}) if allows(user, Permission.VIEW_USAGE) else None
        case NoticeKind.TASK_DONE | NoticeKind.TASK_FAILED | NoticeKind.TASK_ASKS:
            return ("tasks", {TASK: notice.target}) if allows(user, Permission.RUN_TASKS) else None
        case NoticeKind.SCHEDULE_STOPPED:
            return ("tasks", {"template": notice.target}) if allows(user, Permission.RUN_TASKS) else None
        case NoticeKind.REPORT_READY | NoticeKind.REPORT_STOPPED:
            parameter = "report" if notice.kind is NoticeKind.REPORT_READY else "plan"
            return ("reports", {parameter: notice.target}) if allows(user, Permission.VIEW_USAGE) else None
        case _:
            page = _JOB_PAGES.get(notice.subject) or ("jobs" if allows(user, Permission.RUN_STORE) else None)
            return (page, {}) if page else None


def _notify_browser(portal: Portal, user: User, unread: Unread) -> None:
    """Send the newest notices to the browser if the user has chosen that; the browser shows each once."""
    if not unread.newest:
        return
    try:
        choices = portal.notices.choices(user)
    except PortalError:
        return
    if choices.browser:
        items = [{"id": each.id, "text": sentence(each, titles=choices.titles)} for each in reversed(unread.newest)]
        with st.container(key="zero-notify"):
            _notify(key="notify", data=[{"show": items, "title": "GLM Portal"}], height=1)
