"""Define the JSON of review cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.portal.review.feedback import FeedbackOut
from api.portal.shapes import Asked, Line, Moment, Prose
from core.review.cases.changes import CaseChange
from core.review.cases.records import CaseEvent, CaseLock, CaseQuery, CaseState, Judging, Priority, ReviewCase, Whose

CaseStateWord = Literal["new", "triaged", "in_review", "fixed", "not_changed", "kept_as_example", "closed"]
PriorityWord = Literal["low", "normal", "high"]
JudgingWord = Literal["open", "second", "decision", "done"]
WhoseWord = Literal["anybody", "mine", "nobody"]
Number = Annotated[int, Path(ge=1, le=999_999_999, description="The number of a case.")]


def _text(sent: object) -> object:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    if not isinstance(sent, str | datetime):
        raise ValueError("Send a time as text, in ISO 8601")
    return sent


Sent = Annotated[Moment, Field(strict=False), BeforeValidator(_text)]
"""A moment in a JSON body."""


class LockOut(BaseModel):
    holder_name: str
    since: datetime
    until: datetime

    @staticmethod
    def of(lock: CaseLock) -> LockOut:
        return LockOut(holder_name=lock.holder_name, since=lock.since, until=lock.until)


class CaseOut(BaseModel):
    number: int
    state: CaseStateWord
    priority: PriorityWord
    complaint: bool = Field(description="Whether the rating is poor or has a comment.")
    assignee_name: str | None
    tags: list[str]
    due_at: datetime | None
    version: int = Field(description="Send it with each change.")
    alike: int = Field(description="The number of other cases with the same question.")
    fix: str
    fix_model: str = Field(description="The model or preset with the fix; empty if the fix is something else.")
    fix_prompt: str = Field(description="The version of a prompt with the fix, as ID:VERSION; empty if the fix is something else.")
    satisfied: bool | None = Field(description="Whether the rater says that the fix helped; null for nothing yet.")
    correction: str = Field(description="The answer as a reviewer corrected it; empty for none.")
    reply: str
    replied_at: datetime | None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    judging: JudgingWord = Field(description="What the judgement waits for.")
    second: bool = Field(description="Whether a second reviewer judges the case too.")
    lock: LockOut | None = Field(description="Who works on the case; null for nobody. It ends at `until`.")
    names_until: datetime | None = Field(description="Until when you see names that are hidden from others.")
    feedback: FeedbackOut

    @staticmethod
    def of(case: ReviewCase) -> CaseOut:
        return CaseOut(
            number=case.number, state=case.state.value, priority=case.priority.value, complaint=case.complaint,
            assignee_name=case.assignee_name, tags=list(case.tags), due_at=case.due_at, version=case.version, alike=case.alike,
            fix=case.fix, fix_model=case.fix_model, fix_prompt=case.fix_prompt, satisfied=case.satisfied, correction=case.correction,
            reply=case.reply, replied_at=case.replied_at, opened_at=case.opened_at, updated_at=case.updated_at,
            closed_at=case.closed_at, judging=case.judging.value, second=case.second,
            lock=LockOut.of(case.lock) if case.lock else None, feedback=FeedbackOut.of(case.feedback),
            names_until=case.names_until,
        )  # fmt: skip


class EventOut(BaseModel):
    at: datetime
    kind: str
    actor_name: str | None = Field(description="null for the portal itself.")
    before: str
    after: str

    @staticmethod
    def of(event: CaseEvent) -> EventOut:
        return EventOut(at=event.at, kind=event.kind.value, actor_name=event.actor_name, before=event.before, after=event.after)


class ChangedFields(Asked):
    state: CaseStateWord | None = None
    priority: PriorityWord | None = None
    assignee: Line | None = Field(default=None, description="The sign-in name of a reviewer; empty for nobody.")
    tags: list[Line] | None = Field(default=None, description="At most 12, of at most 40 characters. They replace the present ones.")
    due_at: Sent | None = None
    no_due_date: bool = Field(default=False, description="true removes the due date.")
    fix: Prose | None = Field(default=None, description="What fixed it; at most 200 characters. The rater reads it.")
    fix_model: Line | None = Field(default=None, description="The model or preset with the fix, which the rater can ask again.")
    fix_prompt: Annotated[Line, Field(max_length=100)] | None = Field(
        default=None, description="The version of a prompt with the fix, as ID:VERSION. The rater must be able to use it."
    )

    def change(
        self, *, note: str | None = None, reply: str | None = None, correction: str | None = None, add_tags: tuple[str, ...] = ()
    ) -> CaseChange:
        return CaseChange(
            state=CaseState(self.state) if self.state else None, priority=Priority(self.priority) if self.priority else None,
            assignee=self.assignee, tags=None if self.tags is None else tuple(self.tags), due_at=self.due_at,
            no_due_date=self.no_due_date, fix=self.fix, fix_model=self.fix_model,
            fix_prompt=self.fix_prompt, note=note, reply=reply, correction=correction,
            add_tags=add_tags,
        )  # fmt: skip


class QueryFields(Asked):
    """What a saved view asks of the queue; empty fields ask for nothing."""

    q: Line = Field(default="", description="Words in question, answer, comment or note.")
    state: list[CaseStateWord] = Field(default_factory=list, description="Several states: any of them.")
    complaint: bool | None = None
    rating: Literal[1, -1] | None = Field(default=None, description="1 good, -1 poor.")
    model: Line | None = None
    group: Line | None = None
    whose: WhoseWord = "anybody"
    assignee: Line | None = Field(default=None, description="The sign-in name of a reviewer.")
    priority: PriorityWord | None = None
    tag: Line | None = None
    overdue: bool = False
    judging: JudgingWord | None = Field(default=None, description="What the judgement waits for.")
    unanswered: bool = Field(default=False, description="true: only cases without a reply.")
    since: Sent | None = Field(default=None, description="Inclusive.")
    until: Sent | None = Field(default=None, description="Exclusive.")

    def query(self) -> CaseQuery:
        return CaseQuery(
            words=self.q, states=tuple(CaseState(each) for each in self.state), complaint=self.complaint, rating=self.rating,
            model=self.model, group=self.group, whose=Whose(self.whose), assignee=self.assignee,
            priority=Priority(self.priority) if self.priority else None, tag=self.tag, overdue=self.overdue, unanswered=self.unanswered,
            judging=Judging(self.judging) if self.judging else None, since=self.since, until=self.until,
        )  # fmt: skip

    @staticmethod
    def of(query: CaseQuery) -> QueryFields:
        return QueryFields.model_construct(  # What was stored is not checked again.
            q=query.words, state=[each.value for each in query.states], complaint=query.complaint, rating=query.rating,
            model=query.model, group=query.group, whose=query.whose.value, assignee=query.assignee,
            priority=query.priority.value if query.priority else None, tag=query.tag, overdue=query.overdue, unanswered=query.unanswered,
            judging=query.judging.value if query.judging else None, since=query.since, until=query.until,
        )  # fmt: skip


def _number(sent: object) -> object:
    """Read the number that stands in the URL."""
    return {"1": 1, "-1": -1}.get(sent, sent) if isinstance(sent, str) else sent


class QueryParameters(QueryFields):
    """The same query in a URL, where each value is a text, and other parameters may follow."""

    model_config = ConfigDict(extra="ignore", strict=False)
    rating: Annotated[Literal[1, -1] | None, BeforeValidator(_number)] = Field(default=None, description="1 good, -1 poor.")


def asked_query(asked: Annotated[QueryParameters, Query()]) -> CaseQuery:
    return asked.query()


QueryHere = Annotated[CaseQuery, Depends(asked_query)]
