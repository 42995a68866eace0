"""Readable words for what raters answer in the rating form."""

from __future__ import annotations

from core.review.names import RevealReason
from core.review.records import RatingDetails
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain


def reason_word(reason: str) -> str:
    """Return a reason as Markdown: the portal's own ones in the reader's language, others as their admin wrote them."""
    return {
        "Correct": t("Correct"), "Clear": t("Clear"), "Complete": t("Complete"), "Well sourced": t("Well sourced"),
        "Saved time": t("Saved time"), "Wrong fact": t("Wrong fact"), "Out of date": t("Out of date"),
        "Missed the request": t("Missed the request"), "No source": t("No source"), "Too long": t("Too long"), "Unsafe": t("Unsafe"),
    }.get(reason, plain(reason))  # fmt: skip


def score_word(said: RatingDetails) -> str:
    """Return the score in words; "" without one."""
    return t("{score} of 5", score=said.score) if said.score else ""


def reasons_line(said: RatingDetails) -> str:
    """Return the reasons on one line as Markdown; "" without any."""
    return listed(reason_word(each) for each in said.reasons)


def reveal_reason(reason: RevealReason) -> str:
    """Return why a reviewer saw names, as the middle of a sentence."""
    return {
        RevealReason.ASK_BACK: t("to ask the person back"), RevealReason.CHECK: t("to check the facts"),
        RevealReason.INCIDENT: t("because of a complaint or incident"), RevealReason.OTHER: t("for another reason"),
    }[reason]  # fmt: skip
