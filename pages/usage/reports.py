"""Reports: chosen tables of the boards on screen, as files, and on schedule by mail and notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.usage.boards.records import Choices
from core.usage.reporting.records import ReportPlan, StoredPlan
from pages.shell import frame
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago
from pages.widgets.reports.downloads import downloads
from pages.widgets.reports.form import FIRST_CARDS, report_form
from pages.widgets.reports.lists import PLAN, REPORT, made_list, open_plan, plan_list
from pages.widgets.reports.words import reader

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "reports"
_NEW = "new"


def render(portal: Portal, user: User) -> None:
    require(user, Permission.VIEW_USAGE)
    try:
        _page(portal, user)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-report")


def _page(portal: Portal, user: User) -> None:
    may_send = allows(user, Permission.MANAGE_ALERTS)
    choices = portal.boards.choices(user)
    if {PLAN, REPORT} & set(st.query_params):
        _back()
    if report_id := st.query_params.get(REPORT):
        _read(portal, user, report_id)
    elif wanted := st.query_params.get(PLAN):
        _edit(portal, user, choices, None if wanted == _NEW else portal.report_plans.get(user, wanted), may_send=may_send)
    else:
        _overview(portal, user, choices)


def _back() -> None:
    st.button(t("All reports"), icon=":material/arrow_back:", type="tertiary", key="reports-back", on_click=_close)


def _close() -> None:
    for name in (PLAN, REPORT):
        st.query_params.pop(name, None)


def _overview(portal: Portal, user: User, choices: Choices) -> None:
    overview = portal.report_plans.overview(user)
    with frame.page_head(t("Reports"), key="reports"):
        if overview.plans:
            st.button(t("New report"), icon=":material/add:", type="primary", key="report-new", on_click=open_plan, args=(_NEW,))
    if not overview.plans:
        what = t("A report shows chosen tables of the boards: on screen, as a file, or every week by mail.")
        if frame.blank(t("No reports yet"), what, t("New report"), key="blank-reports"):
            open_plan(_NEW)
            st.rerun()
        return
    plan_list(overview, choices.zone)
    made_list(portal, user, choices.zone)


def _read(portal: Portal, user: User, report_id: str) -> None:
    body = portal.report_writer.shown_made(user, report_id, reader())
    with frame.page_head(t("Report"), key="report"):
        downloads(portal, user, "report", lambda format: portal.report_writer.made(user, report_id, format, reader()))
    st.html(body)


def _edit(portal: Portal, user: User, choices: Choices, stored: StoredPlan | None, *, may_send: bool) -> None:
    now = stored.plan if stored else ReportPlan(name=t("New report"), cards=FIRST_CARDS, language=reader())
    sub = t("Changed {age}", age=ago(stored.updated_at)) if stored else t("This is how it looks now. Save it to have it made on schedule.")
    actions = frame.page_head(plain(now.name), sub, key="report")
    if stored is not None and stored.problem is not None:
        st.error(plain(error_text(stored.problem)))
    left, right = st.columns([1, 1.6], gap="medium")
    plan = None
    with left, st.container(gap="small", key="report-form"):
        try:
            people = portal.report_plans.people(user) if may_send else None
            plan = report_form(now, choices, people, can_mail=portal.report_plans.can_mail)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    if plan is not None:
        with right:
            try:
                st.html(portal.report_writer.shown(user, plan, reader()))
            except PortalError as problem:
                st.caption(plain(error_text(problem)))
    if stored is not None:
        made_list(portal, user, choices.zone, stored.id)
    with actions:
        _actions(portal, user, stored, plan, may_send=may_send)


def _actions(portal: Portal, user: User, stored: StoredPlan | None, plan: ReportPlan | None, *, may_send: bool) -> None:
    if stored is not None and may_send:
        if st.button(t("Delete"), type="tertiary", key="report-delete"):
            _remove(portal, user, stored)
        if st.button(t("Switch off") if stored.enabled else t("Switch on"), type="tertiary", key="report-switch"):
            portal.report_plans.change(user, stored.id, enabled=not stored.enabled)
            st.rerun()
        if st.button(t("Make and send now"), type="tertiary", key="report-send"):
            _send(portal, user, stored)
    if plan is not None:
        chosen, language = plan, reader()
        downloads(portal, user, "report", lambda format: portal.report_writer.write(user, chosen, format, language))
    if may_send and st.button(t("Save report"), type="primary", key="report-save", disabled=plan is None) and plan is not None:
        _save(portal, user, stored, plan)


def _save(portal: Portal, user: User, stored: StoredPlan | None, plan: ReportPlan) -> None:
    try:
        if stored is None:
            portal.report_plans.add(user, plan)
        else:
            portal.report_plans.change(user, stored.id, plan)
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
        return
    _close()
    st.rerun()


def _send(portal: Portal, user: User, stored: StoredPlan) -> None:
    try:
        portal.report_plans.send_now(user, stored.id)
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        st.toast(t("The report is being made."), icon=":material/check:")


def _remove(portal: Portal, user: User, stored: StoredPlan) -> None:
    @dialog(t("Delete this report?"))
    def ask() -> None:
        st.write(t("It is no longer made. The reports that it made are deleted too."))
        with st.container(key="danger-report"):
            if st.button(t("Delete report"), type="primary", key="report-delete-now"):
                portal.report_plans.remove(user, stored.id)
                _close()
                st.rerun()

    ask()
