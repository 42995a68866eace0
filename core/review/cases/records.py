"""Define review cases: their states, their history, and how they are filtered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.review.records import Feedback, ReviewState


class CaseState(StrEnum):
    """The states of a case. The last four are outcomes."""

    NEW = "new"
    TRIAGED = "triaged"
    IN_REVIEW = "in_review"
    FIXED = "fixed"
    NOT_CHANGED = "not_changed"
    KEPT = "kept_as_example"
    CLOSED = "closed"
    """Closed without an outcome: what earlier releases called resolved."""

    @property
    def is_open(self) -> bool:
        return self in OPEN

    @property
    def rated_as(self) -> ReviewState:
        """Return the state of the rating that earlier releases and GET /feedback show."""
        if self is CaseState.IN_REVIEW:
            return ReviewState.IN_REVIEW
        return ReviewState.NEW if self in OPEN else ReviewState.RESOLVED

    def may_become(self, state: CaseState) -> bool:
        """Tell whether a case in this state may enter `state`: an open case any other, a closed one only an open state."""
        return state is not self and (self.is_open or state.is_open)


OPEN = (CaseState.NEW, CaseState.TRIAGED, CaseState.IN_REVIEW)
OUTCOMES = (CaseState.FIXED, CaseState.NOT_CHANGED, CaseState.KEPT)
STATE_OF: Mapping[ReviewState, CaseState] = {
    ReviewState.NEW: CaseState.NEW,
    ReviewState.IN_REVIEW: CaseState.IN_REVIEW,
    ReviewState.RESOLVED: CaseState.CLOSED,
}
"""The state of the case for each state of a rating."""
MAX_TAGS = 12
"""Most tags of a case."""


class Judging(StrEnum):
    """What the judgement of a case waits for."""

    OPEN = "open"
    """Nobody has judged the case."""
    SECOND = "second"
    """A second reviewer judges it too."""
    DECISION = "decision"
    """Two reviewers differ, and a third decides."""
    DONE = "done"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return the number by which cases are ordered; a higher one comes first."""
        return list(Priority).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLock:
    """Who works on a case. Nobody else can change it before `until`, except by taking it over."""

    holder_id: str
    holder_name: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """A rating that reviewers work on."""

    id: str
    number: int
    feedback: Feedback
    state: CaseState
    priority: Priority
    complaint: bool
    """Whether the rating is poor, or has a comment or a better answer."""
    opened_at: datetime
    updated_at: datetime
    version: int = 1
    """Grows with every change. A change names the version that it is based on."""
    assignee_id: str | None = None
    assignee_name: str | None = None
    tags: tuple[str, ...] = ()
    due_at: datetime | None = None
    closed_at: datetime | None = None
    question_key: str | None = None
    """Equal for equal questions; None if the question is not stored."""
    alike: int = 0
    """The number of other cases with the same question."""
    lock: CaseLock | None = None
    fix: str = ""
    """What fixed it, such as a preset or a version of a model. The rater reads it."""
    fix_model: str = ""
    """The model or preset with the fix, which the rater can ask again; "" if the fix is something else."""
    fix_prompt: str = ""
    """The version of a prompt with the fix, as ID:VERSION; "" if the fix is something else."""
    again_id: str | None = None
    """The conversation in which the rater asked again after the fix."""
    satisfied: bool | None = None
    """What the rater says of the fix; None for nothing yet."""
    reply: str = ""
    """What the rater reads on My feedback, without the reviewer's name."""
    replied_at: datetime | None = None
    correction: str = ""
    """The answer as a reviewer corrected it, for datasets. It is deleted with the chat, and the rater does not read it."""
    names_until: datetime | None = None
    """Until when the reviewer who reads it sees names that are hidden from others."""
    judging: Judging = Judging.OPEN
    second: bool = False
    """Whether a second reviewer judges the case too."""

    def held_by_other(self, user_id: str, now: datetime) -> CaseLock | None:
        """Return the lock if another reviewer holds it now."""
        return self.lock if self.lock and self.lock.holder_id != user_id and self.lock.until > now else None


class CaseEventKind(StrEnum):
    OPENED = "opened"
    RATED_AGAIN = "rated_again"
    STATE = "state"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"
    TAGS = "tags"
    DUE = "due"
    NOTE = "note"
    TAKEN_OVER = "taken_over"
    REPLY = "reply"
    FIX = "fix"
    REVEALED = "revealed"
    """A reviewer saw the names. before: the reason; after: the reviewer's words."""
    JUDGED = "judged"
    """A reviewer judged the case. The answers are not recorded."""
    SECOND = "second"
    """A second judgement was asked for, or no longer."""
    DECIDED = "decided"
    CORRECTED = "corrected"
    """A reviewer corrected the answer. The text is not recorded. after: "true", or "false" if the correction was removed."""
    SATISFIED = "satisfied"
    """The rater said whether the fix helped. after: "true" or "false"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent:
    """One entry of a case's history. Entries are never changed."""

    case_id: str
    at: datetime
    kind: CaseEventKind
    actor_id: str | None = None
    """None for the portal itself."""
    actor_name: str | None = None
    before: str = ""
    after: str = ""


class Whose(StrEnum):
    """Whose cases are listed."""

    ANYBODY = "anybody"
    MINE = "mine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """What a reviewer asks of the queue; all given conditions apply. since is inclusive, until exclusive."""

    words: str = ""
    """Words in question, answer, comment or note."""
    states: tuple[CaseState, ...] = ()
    """Empty for all states."""
    complaint: bool | None = None
    rating: int | None = None
    model: str | None = None
    group: str | None = None
    whose: Whose = Whose.ANYBODY
    assignee: str | None = None
    """The sign-in name of the assignee."""
    priority: Priority | None = None
    tag: str | None = None
    overdue: bool = False
    judging: Judging | None = None
    unanswered: bool = False
    """Only cases without a reply to the rater."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """A CaseQuery as the database reads it."""

    query: CaseQuery
    assignee_id: str | None = None
    due_before: datetime | None = None
    feedback_ids: tuple[str, ...] | None = None
    """Only cases of these ratings, which the search index found."""
    groups: Collection[str] | None = None
    """Only cases of people of these groups; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    cases: tuple[ReviewCase, ...]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    id: str
    name: str
    query: CaseQuery
    shared: bool = False
    """Whether all reviewers see it."""
    owner_name: str = ""
    """The sign-in name of the reviewer who shares it; "" for an own view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a reviewer did today (UTC), and the number of open complaints."""

    open: int
    touched: int
    """Cases that the reviewer changed today."""
    closed: int
    """Cases that the reviewer closed today."""
