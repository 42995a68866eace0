"""Say cards, periods and schedules in words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from core.tasks.records import Every
from core.usage.records import Language
from core.usage.reporting.records import DeliveryState, Period, ReportMail, ReportPlan
from core.usage.reporting.wording import BOARDS, CARDS, say
from pages.shell.words import language, t

PERIODS = {Period.WEEK: "Last week", Period.MONTH: "Last month", Period.FREE: "Other days"}
SCHEDULES = {Every.NEVER: "Not on schedule", Every.WEEK: "Every week", Every.MONTH: "Every month"}
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SENT = {DeliveryState.SENT: "✓", DeliveryState.WAITING: "…", DeliveryState.FAILED: "✗"}


def reader() -> Language:
    """Return the language in which the reader sees reports."""
    return Language.ZH if language() == "zh" else Language.EN


def card_words(card: str) -> str:
    """Return a card with its board: Overview: Answers per day."""
    board, _, name = card.partition(".")
    return t("{board}: {card}", board=say(reader(), BOARDS[board]), card=say(reader(), CARDS[name]))


def schedule_words(plan: ReportPlan) -> str:
    """Return when a report is made: Mondays at 7:00."""
    hour = f"{plan.hour}:00"
    if plan.every is Every.WEEK:
        return t("{days} at {hour}", days=t(WEEKDAYS[plan.weekday]), hour=hour)
    if plan.every is Every.MONTH:
        return t("on day {day} of the month at {hour}", day=plan.day, hour=hour)
    return t("Not on schedule")


def receiver_words(plan: ReportPlan) -> str:
    """Return who gets a report."""
    words = [t("{n} people", n=len(plan.people))] if plan.people else []
    words += list(plan.mails[:2])
    more = len(plan.mails) - 2
    if more > 0:
        words.append(t("and {n} more", n=more))
    return t(", ").join(words) or t("Nobody")


def mail_words(mail: ReportMail) -> str:
    return f"{mail.address} {_SENT[mail.state]}"


def moment_words(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
