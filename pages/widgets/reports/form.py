"""Choose what a report shows, when it is made and who gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from core.tasks.records import Every
from core.usage.alerts.rules import Recipient
from core.usage.boards.records import Choices
from core.usage.records import Language
from core.usage.reporting.records import CARDS, Period, ReportPlan
from pages.shell.words import LANGUAGES, t
from pages.widgets.reports.words import PERIODS, SCHEDULES, WEEKDAYS, card_words
from pages.widgets.usage.filters import group_name

FIRST_CARDS = (
    "overview.figures", "overview.answers_per_day", "overview.rated_good", "overview.groups", "quality.figures", "speed.figures",
    "money.figures", "money.groups",
)  # fmt: skip
"""What a new report shows."""


def report_form(now: ReportPlan, choices: Choices, people: Sequence[Recipient] | None, *, can_mail: bool) -> ReportPlan:
    """Draw the form; return the plan. people: None for a person who may not send reports. Raises InvalidInput."""
    name = st.text_input(t("Name"), now.name, key="report-name", autocomplete="off")
    cards = st.multiselect(t("Shows"), CARDS, default=list(now.cards), format_func=card_words, key="report-cards", placeholder=t("Nothing"))
    with st.grid(2, min_column_width=150):
        period = st.selectbox(
            t("Covers"), list(PERIODS), index=list(PERIODS).index(now.period), format_func=lambda each: t(PERIODS[each]),
            key="report-period",
        )  # fmt: skip
        first, last = _days(now, choices) if period is Period.FREE else (None, None)
    with st.grid(2, min_column_width=150):
        group = _choice(t("Group"), t("All groups"), choices.groups, now.group)
        model = _choice(t("Model"), t("All models"), choices.models, now.model)
    plan = ReportPlan(
        name=name.strip(), cards=tuple(cards), period=period, first=first, last=last, group=group, model=model, language=now.language
    )
    return plan if people is None else _sent(plan, now, people, choices.zone, can_mail=can_mail)


def _sent(plan: ReportPlan, now: ReportPlan, people: Sequence[Recipient], zone: str, *, can_mail: bool) -> ReportPlan:
    every, weekday, day, hour = Every.NEVER, now.weekday, now.day, now.hour
    if plan.period is not Period.FREE:
        with st.grid(3, min_column_width=120):
            every = st.selectbox(
                t("Made"), list(SCHEDULES), index=list(SCHEDULES).index(now.every), format_func=lambda each: t(SCHEDULES[each]),
                key="report-every",
            )  # fmt: skip
            if every is Every.WEEK:
                weekday = st.selectbox(
                    t("On weekday"), range(7), index=now.weekday, format_func=lambda each: t(WEEKDAYS[each]), key="report-weekday"
                )
            elif every is Every.MONTH:
                day = st.selectbox(t("On day"), range(1, 29), index=now.day - 1, key="report-day")
            if every is not Every.NEVER:
                hour = st.selectbox(t("At"), range(24), index=now.hour, format_func=lambda each: f"{each}:00", key="report-hour")
        if every is not Every.NEVER:
            st.caption(t("Times are those of {zone}. A report that was missed is made once, later.", zone=zone))
    names = {each.id: each.name for each in people}
    told = st.multiselect(
        t("Notices to"), list(names), default=[each for each in now.people if each in names], format_func=lambda id: names[id],
        placeholder=t("Nobody"), key="report-people",
    )  # fmt: skip
    with st.grid(2, min_column_width=150):
        mails = st.text_input(t("Mails to"), ", ".join(now.mails), placeholder="board@corp.example", key="report-mails", autocomplete="off")
        language = st.selectbox(
            t("Language of mails"), list(Language), index=list(Language).index(now.language), format_func=lambda each: LANGUAGES[each],
            key="report-language",
        )  # fmt: skip
    if mails and not can_mail:
        st.caption(f":orange[:material/warning: {t('No mail server is set. An admin can set PORTAL_SMTP_HOST.')}]")
    addresses = tuple(dict.fromkeys(each.strip() for each in mails.replace(";", ",").split(",") if each.strip()))
    return ReportPlan(
        name=plan.name, cards=plan.cards, period=plan.period, first=plan.first, last=plan.last, group=plan.group, model=plan.model,
        every=every, weekday=weekday, day=day, hour=hour, people=tuple(told), mails=addresses, language=language,
    )  # fmt: skip


def _days(now: ReportPlan, choices: Choices) -> tuple[date | None, date | None]:
    start = (now.first or choices.today.replace(day=1), now.last or choices.today)
    chosen = tuple(st.date_input(t("Dates"), start, max_value=choices.today, format="YYYY-MM-DD", key="report-dates"))
    return chosen if len(chosen) == 2 else (None, None)


def _choice(label: str, everything: str, options: Sequence[str], now: str | None) -> str | None:
    known = [*options, *([now] if now is not None and now not in options else [])]
    index = known.index(now) if now is not None else None
    return st.selectbox(label, known, index=index, placeholder=everything, format_func=group_name, key=f"report-choice-{label}")
