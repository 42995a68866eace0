"""Readable words for cases: states, priorities, titles and entries of the history."""

from __future__ import annotations

from collections.abc import Mapping

from core.review.cases.records import CaseEvent, CaseEventKind, CaseState, Priority, ReviewCase
from core.review.names import RevealReason
from core.review.records import Feedback
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.rating.rating_words import reveal_reason

MAX_TITLE = 160
"""Maximum number of characters of the question above the case."""
ICONS: Mapping[CaseState, str] = {
    CaseState.NEW: "radio_button_unchecked",
    CaseState.TRIAGED: "adjust",
    CaseState.IN_REVIEW: "timelapse",
    CaseState.FIXED: "check_circle",
    CaseState.NOT_CHANGED: "block",
    CaseState.KEPT: "favorite",
    CaseState.CLOSED: "task_alt",
}


def state_word(state: CaseState) -> str:
    """Return the readable name of a state."""
    return {
        CaseState.NEW: t("New"),
        CaseState.TRIAGED: t("Triaged"),
        CaseState.IN_REVIEW: t("In review"),
        CaseState.FIXED: t("Fixed"),
        CaseState.NOT_CHANGED: t("Not changed"),
        CaseState.KEPT: t("Kept as an example"),
        CaseState.CLOSED: t("Closed"),
    }[state]


def priority_word(priority: Priority) -> str:
    return {Priority.LOW: t("Low"), Priority.NORMAL: t("Normal"), Priority.HIGH: t("High")}[priority]


def title(case: Feedback, most: int) -> str:
    """Return the question on one line, cut at a word to at most `most` characters."""
    if case.question is None:
        return t("Deleted image") if case.run_id else t("Deleted chat")
    line = " ".join(case.question.split())
    if len(line) <= most:
        return line
    cut = line[:most]
    word = cut.rfind(" ")
    return f"{(cut[:word] if word > most // 2 else cut).rstrip(' .,;:，。')}…"


def event_words(event: CaseEvent) -> str:
    """Return one entry of the history as Markdown, without its time."""
    who = f"**{plain(event.actor_name)}**" if event.actor_name else f"**{t('The portal')}**"
    before, after = plain(event.before), plain(event.after)
    match event.kind:
        case CaseEventKind.OPENED:
            return t("The case was opened.")
        case CaseEventKind.RATED_AGAIN:
            return t("The person changed the rating.") if event.before != event.after else t("The person said more about the rating.")
        case CaseEventKind.STATE:
            return t("{who} set the state to {state}.", who=who, state=f"**{state_word(CaseState(event.after))}**")
        case CaseEventKind.PRIORITY:
            return t("{who} set the priority to {priority}.", who=who, priority=f"**{priority_word(Priority(event.after))}**")
        case CaseEventKind.ASSIGNEE:
            if not after:
                return t("{who} removed the reviewer.", who=who)
            return t("{who} assigned it to {name}.", who=who, name=f"**{after}**")
        case CaseEventKind.TAGS:
            return t("{who} set the tags: {tags}", who=who, tags=after) if after else t("{who} removed the tags.", who=who)
        case CaseEventKind.DUE:
            return t("{who} set the due date to {date}.", who=who, date=after) if after else t("{who} removed the due date.", who=who)
        case CaseEventKind.NOTE:
            return t("{who} wrote a note: {text}", who=who, text=after) if after else t("{who} removed the note.", who=who)
        case CaseEventKind.REPLY:
            return t("{who} replied: {text}", who=who, text=after) if after else t("{who} took the reply back.", who=who)
        case CaseEventKind.FIX:
            return t("{who} named what fixed it: {text}", who=who, text=after) if after else t("{who} removed what fixed it.", who=who)
        case CaseEventKind.REVEALED:
            return t("{who} saw the names, {reason}: {why}", who=who, reason=reveal_reason(RevealReason(event.before)), why=after)
        case CaseEventKind.JUDGED:
            return t("{who} judged the case.", who=who)
        case CaseEventKind.DECIDED:
            return t("{who} decided where the two reviewers differed.", who=who)
        case CaseEventKind.CORRECTED:
            return t("{who} corrected the answer.", who=who) if event.after == "true" else t("{who} removed the correction.", who=who)
        case CaseEventKind.SATISFIED:
            return t("The rater says that the fix helped.") if event.after == "true" else t("The rater says that the fix did not help.")
        case CaseEventKind.SECOND:
            if event.after == "true":
                return t("{who} asked for a second reviewer.", who=who)
            return t("{who} asked for no second reviewer.", who=who)
        case CaseEventKind.TAKEN_OVER:
            return t("{who} took the case over from {name}.", who=who, name=f"**{before}**")


def became(case: ReviewCase) -> str:
    """Return the state of an earlier case with its fix."""
    return f"{state_word(case.state)}, {case.fix}" if case.fix else state_word(case.state)
