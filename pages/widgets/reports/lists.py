"""List plans, and the reports that they made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.usage.reporting.plans import PlanOverview
from core.usage.reporting.records import DeliveryState
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.reports.words import PERIODS, mail_words, moment_words, receiver_words, schedule_words

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PLAN, REPORT = "plan", "report"
"""The query parameters that open a plan and a report."""


def open_plan(plan_id: str) -> None:
    st.query_params[PLAN] = plan_id


def open_report(report_id: str) -> None:
    st.query_params[REPORT] = report_id


def plan_list(overview: PlanOverview, zone: str) -> None:
    """Draw a row for each plan."""
    with st.container(key="report-plans", gap=None):
        for stored in overview.plans:
            plan = stored.plan
            facts = [t(PERIODS[plan.period]), schedule_words(plan), receiver_words(plan)]
            facts.append(t("saved by {name}", name=overview.names.get(stored.owner_id, t("a removed account"))))
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"reportrow-{stored.id}"):
                lines = f"**{plain(plan.name)}**  \n:small[:gray[{plain(' · '.join(facts))}]]"
                if stored.problem is not None:
                    lines += f"  \n:small[:red[:material/error: {plain(error_text(stored.problem))}]]"
                st.markdown(lines, width="stretch")
                if not stored.enabled:
                    st.markdown(f":gray-badge[:material/block: {t('Off')}]", width="content")
                elif stored.id in overview.next:
                    st.markdown(f":small[{t('next {time}', time=moment_words(overview.next[stored.id], zone))}]", width="content")
                st.button(t("Open"), type="tertiary", key=f"report-open-{stored.id}", on_click=open_plan, args=(stored.id,))


def made_list(portal: Portal, user: User, zone: str, plan_id: str | None = None) -> None:
    """Draw a row for each report that was made on schedule, newest first."""
    sent = portal.report_plans.sent(user, plan_id)
    with st.container(border=True, key="card-reports-made", gap="xsmall"):
        card_title(t("Made on schedule"), t("The newest 60 of each report are kept, with the figures as they were then."))
        if not sent:
            st.caption(t("No report was made on schedule yet."))
        for each in sent:
            report = each.report
            facts = [f"{report.first} – {report.last}", t("made {time}", time=moment_words(report.made_at, zone))]
            lines = f"**{plain(report.name)}**  \n:small[:gray[{plain(' · '.join(facts + [mail_words(mail) for mail in each.mails]))}]]"
            for mail in each.mails:
                if mail.error is not None and mail.state is not DeliveryState.SENT:
                    lines += f"  \n:small[:orange[{plain(f'{mail.address}: {error_text(mail.error)}')}]]"
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"reportmade-{report.id}"):
                st.markdown(lines, width="stretch")
                st.button(t("Read the report"), type="tertiary", key=f"report-read-{report.id}", on_click=open_report, args=(report.id,))
