"""Set when a template runs, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from core.people.records import User
from core.tasks.records import Every, Timing
from core.workflows.records import TaskFile
from core.workflows.schedules.records import Rule, ScheduleView, TaskSchedule
from core.workflows.templates.records import MAX_VALUE_LENGTH, ListedTemplate
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.outcome import carry_out
from pages.widgets.reports.words import WEEKDAYS
from pages.widgets.tasks.step_form import DONE

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_EVERY = {Every.NEVER: "Not on schedule", Every.DAY: "Every day", Every.WEEK: "Every week", Every.MONTH: "Every month"}
_TEXT = "text"
_RULES = {
    _TEXT: "This text",
    Rule.DAY: "The day of the start",
    Rule.DAY_BEFORE: "The day before",
    Rule.WEEK_BEFORE: "The week before",
    Rule.MONTH: "The month of the start",
    Rule.MONTH_BEFORE: "The month before",
}


def schedule_card(portal: Portal, user: User, listed: ListedTemplate) -> None:
    """Draw the person's schedule for a template."""
    template, view = listed.template, portal.task_schedules.of(user, listed.template.id)
    now = view.schedule if view is not None else None
    with card("template-schedule", t("Schedule"), t("In the time zone {zone}", zone=portal.task_schedules.time_zone)):
        if view is not None:
            _state(portal, view)
        files = _last_files(portal, user, listed)
        if files is None:
            st.caption(t("Run it once with its files. The schedule then uses the files of your last run."))
            return
        every, timing = _timing(now)
        if every is Every.NEVER:
            if view is not None and st.button(t("Remove the schedule"), key="schedule-remove"):
                carry_out(lambda: _removed(portal, user, template.id), DONE)
            return
        values, rules = _blanks(listed, now)
        waits = st.toggle(t("Wait for me before anything leaves the portal"), now.waits if now else True, key="schedule-waits")
        if files:
            st.caption(t("Files: {names}", names=plain(", ".join(each.name for each in files))))
        with st.container(horizontal=True, gap="small"):
            if st.button(t("Approve and schedule"), type="primary" if view is None else "secondary", key="schedule-save"):
                carry_out(lambda: _saved(portal, user, listed, timing, values, rules, [each.id for each in files], waits), DONE)
            if now is not None and now.problem is None:
                label = t("Switch off") if now.enabled else t("Switch on")
                if st.button(label, type="tertiary", key="schedule-switch"):
                    carry_out(lambda: _switched(portal, user, template.id, not now.enabled), DONE)


def _state(portal: Portal, view: ScheduleView) -> None:
    """Say when it starts next, what was missed, and why it stopped."""
    schedule, zone = view.schedule, ZoneInfo(portal.task_schedules.time_zone)
    if schedule.problem is not None:
        st.error(f"{t('The schedule stopped.')} {plain(error_text(schedule.problem))}", icon=":material/event_busy:")
    elif view.next is not None:
        st.markdown(f":material/schedule: {t('Next start: {at}', at=f'{view.next.astimezone(zone):%Y-%m-%d %H:%M}')}")
    else:
        st.caption(t("It is switched off."))
    if schedule.missed_at is not None:
        at = f"{schedule.missed_at.astimezone(zone):%Y-%m-%d %H:%M}"
        missed = t("The start of {at} was missed, since the portal was not running. It was made up once.", at=at)
        st.warning(missed, icon=":material/history:")


def _last_files(portal: Portal, user: User, listed: ListedTemplate) -> tuple[TaskFile, ...] | None:
    """Return the files of the last run of the template; None if it needs some and there was none."""
    if not listed.template.files:
        return ()
    made = portal.workflow_tasks.list(user, 1, listed.template.id)
    files = made[0][0].files if made else ()
    return files if len(files) == len(listed.template.files) else None


def _timing(now: TaskSchedule | None) -> tuple[Every, Timing]:
    old = now.timing if now is not None else Timing()
    weekday, day, hour = old.weekday, old.day, old.hour
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        every = st.selectbox(
            t("Runs"), list(_EVERY), index=list(_EVERY).index(old.every), format_func=lambda each: t(_EVERY[each]), key="schedule-every",
            width=180,
        )  # fmt: skip
        if every is Every.WEEK:
            weekday = st.selectbox(
                t("On weekday"), range(7), index=weekday, format_func=lambda each: t(WEEKDAYS[each]), key="schedule-weekday", width=160
            )
        elif every is Every.MONTH:
            day = st.number_input(t("On day"), 1, 28, day, key="schedule-day", width=120)
        if every is not Every.NEVER:
            hour = st.selectbox(t("At"), range(24), index=hour, format_func=lambda each: f"{each}:00", key="schedule-hour", width=110)
    return every, Timing(every=every, weekday=weekday, day=int(day), hour=hour)


def _blanks(listed: ListedTemplate, now: TaskSchedule | None) -> tuple[dict[str, str], dict[str, Rule]]:
    """Draw a text or a rule for each blank."""
    values: dict[str, str] = {}
    rules: dict[str, Rule] = {}
    for name in listed.blanks:
        old = now.rules.get(name) if now is not None else None
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            rule = st.selectbox(
                plain(name), list(_RULES), index=list(_RULES).index(old or _TEXT), format_func=lambda each: t(_RULES[each]),
                key=f"schedule-rule-{listed.template.id}-{name}", width=200,
            )  # fmt: skip
            if isinstance(rule, Rule):
                rules[name] = rule
            else:
                text = now.values.get(name, "") if now is not None else ""
                values[name] = st.text_input(
                    t("Text for {name}", name=plain(name)), text, max_chars=MAX_VALUE_LENGTH, autocomplete="off",
                    key=f"schedule-value-{listed.template.id}-{name}",
                )  # fmt: skip
    return values, rules


def _saved(
    portal: Portal, user: User, listed: ListedTemplate, timing: Timing, values: dict[str, str], rules: dict[str, Rule], files: list[str],
    waits: bool,
) -> str:  # fmt: skip
    template = listed.template
    portal.task_schedules.put(user, template.id, template.version, timing, values=values, rules=rules, files=files, waits=waits)
    return t("The schedule was saved.")


def _switched(portal: Portal, user: User, template_id: str, on: bool) -> str:
    portal.task_schedules.switch(user, template_id, on)
    return t("The schedule is on.") if on else t("The schedule is off.")


def _removed(portal: Portal, user: User, template_id: str) -> str:
    portal.task_schedules.remove(user, template_id)
    return t("The schedule was removed.")
