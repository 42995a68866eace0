"""Check a change of a case, apply it, and record it in the case's history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from core.characters import cut, one_line, without_controls
from core.errors import Conflict, InvalidInput, NotFound
from core.notices.giving import feedback_replied, feedback_resolved
from core.people.permissions import Permission, granted, reviews_group
from core.people.records import User
from core.review.cases.fixing_prompts import fixing_prompt
from core.review.cases.records import MAX_TAGS, CaseEvent, CaseEventKind, CaseLock, CaseState, Priority, ReviewCase
from core.unit_of_work import UnitOfWork

MAX_NOTE = 4000
MAX_REPLY = 2000
MAX_FIX = 200
MAX_CORRECTION = 20_000
MAX_MODEL = 300
MAX_TAG = 40
LEASE = timedelta(minutes=10)
"""How long nobody else can change a case after its reviewer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """What to change; None keeps a field."""

    state: CaseState | None = None
    priority: Priority | None = None
    assignee: str | None = None
    """The sign-in name of a reviewer; "" for nobody."""
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    """Tags to add to those that the case has."""
    due_at: datetime | None = None
    no_due_date: bool = False
    note: str | None = None
    reply: str | None = None
    """What the rater reads on My feedback."""
    fix: str | None = None
    """What fixed it. The rater reads it too."""
    fix_model: str | None = None
    """The model or preset with the fix; "" if the fix is something else."""
    fix_prompt: str | None = None
    """The version of a prompt with the fix, as ID:VERSION; "" if the fix is something else."""
    correction: str | None = None
    """The answer as it should have been; "" removes the correction."""

    @property
    def is_empty(self) -> bool:
        return all(getattr(self, each.name) in (None, (), False) for each in fields(self))


def reviewers(people: Iterable[User]) -> list[User]:
    """Return the people who can work on cases."""
    return [each for each in people if each.active and Permission.REVIEW_FEEDBACK in granted(each)]


def check_free(case: ReviewCase, user: User, now: datetime) -> None:
    """Raise Conflict while another reviewer works on the case."""
    if lock := case.held_by_other(user.id, now):
        sentence = "{name} is working on this case since {time} UTC. Take it over first, or wait."
        raise Conflict(sentence, name=lock.holder_name, time=f"{lock.since:%H:%M}")


def apply(work: UnitOfWork, case: ReviewCase, change: CaseChange, actor: User, now: datetime) -> ReviewCase:
    """Store the change and its history. Raises InvalidInput, NotFound and Conflict."""
    note = case.feedback.note if change.note is None else _prose(change.note, "A note can have at most {limit} characters.", MAX_NOTE)
    changed = _changed(work, case, change, actor, now)
    events = [
        *_differences(case, changed),
        *([(CaseEventKind.NOTE, case.feedback.note, note)] if note != case.feedback.note else []),
    ]
    if not events:
        return case
    changed = replace(
        changed, version=case.version + 1, updated_at=now, lock=_renewed(case, actor, now) if changed.state.is_open else None,
        feedback=replace(case.feedback, note=note, state=changed.state.rated_as, reviewer_name=actor.name, updated_at=now),
    )  # fmt: skip
    work.cases.save(changed)
    work.cases.set_lock(case.id, changed.lock)
    work.feedback.review(case.feedback.id, changed.state.rated_as, note, actor.id, now)
    for kind, before, after in events:
        work.cases.record(CaseEvent(case_id=case.id, at=now, kind=kind, actor_id=actor.id, before=before, after=after))
    _give_notice(work, case, changed, actor, now)
    return changed


def _give_notice(work: UnitOfWork, before: ReviewCase, after: ReviewCase, actor: User, now: datetime) -> None:
    rating = before.feedback
    if rating.user_id == actor.id:
        return
    if before.state.is_open and not after.state.is_open:
        feedback_resolved(work, now, rating.user_id, rating.conversation_id)
    elif after.reply and after.reply != before.reply:
        feedback_replied(work, now, rating.user_id, rating.conversation_id)


def _renewed(case: ReviewCase, actor: User, now: datetime) -> CaseLock:
    since = case.lock.since if case.lock and case.lock.holder_id == actor.id and case.lock.until > now else now
    return CaseLock(holder_id=actor.id, holder_name=actor.name, since=since, until=now + LEASE)


def _changed(work: UnitOfWork, case: ReviewCase, change: CaseChange, actor: User, now: datetime) -> ReviewCase:
    changed = case
    if change.state is not None and change.state is not case.state:
        if not case.state.may_become(change.state):
            raise Conflict("A closed case cannot get another outcome. Reopen it first.")
        closed_at = None if change.state.is_open else now
        changed = replace(changed, state=change.state, closed_at=closed_at)
        if change.state is CaseState.FIXED:  # The rater has not tried this fix.
            changed = replace(changed, again_id=None, satisfied=None)
    if change.priority is not None:
        changed = replace(changed, priority=change.priority)
    if change.assignee is not None:
        found = _reviewer(work, change.assignee, case.feedback.group) if change.assignee else None
        changed = replace(changed, assignee_id=found.id if found else None, assignee_name=found.name if found else None)
    if change.tags is not None or change.add_tags:
        changed = replace(changed, tags=_tags((*(case.tags if change.tags is None else change.tags), *change.add_tags)))
    if change.no_due_date or change.due_at is not None:
        changed = replace(changed, due_at=None if change.no_due_date else change.due_at)
    if change.reply is not None:
        reply = _prose(change.reply, "A reply can have at most {limit} characters.", MAX_REPLY)
        changed = replace(changed, reply=reply, replied_at=now if reply else None) if reply != case.reply else changed
    if change.fix is not None:
        changed = replace(changed, fix=one_line(_prose(change.fix, "What fixed it can have at most {limit} characters.", MAX_FIX)))
    if change.correction is not None:
        changed = replace(changed, correction=_correction(case, change.correction))
    if change.fix_prompt is not None:
        if change.fix_prompt:
            fixing_prompt(work, change.fix_prompt, actor, work.users.get(case.feedback.user_id))
        changed = replace(changed, fix_prompt=change.fix_prompt)
    if change.fix_model is not None:
        if len(change.fix_model) > MAX_MODEL:
            raise InvalidInput("The name of a model can have at most {limit} characters.", limit=MAX_MODEL)
        changed = replace(changed, fix_model=one_line(change.fix_model))
    return changed


def _differences(before: ReviewCase, after: ReviewCase) -> list[tuple[CaseEventKind, str, str]]:
    values: Mapping[CaseEventKind, tuple[str, str]] = {
        CaseEventKind.STATE: (before.state, after.state),
        CaseEventKind.PRIORITY: (before.priority, after.priority),
        CaseEventKind.ASSIGNEE: (before.assignee_name or "", after.assignee_name or ""),
        CaseEventKind.TAGS: (", ".join(before.tags), ", ".join(after.tags)),
        CaseEventKind.FIX: (before.fix, after.fix),
        CaseEventKind.REPLY: (before.reply, after.reply),
        # Without its text, which goes with the chat.
        CaseEventKind.CORRECTED: ("", str(bool(after.correction)).lower() if before.correction != after.correction else ""),
        CaseEventKind.DUE: (_day(before.due_at), _day(after.due_at)),
    }
    return [(kind, was, now) for kind, (was, now) in values.items() if was != now]


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _reviewer(work: UnitOfWork, name: str, group: str) -> User:
    found = work.users.credentials(name.strip().lower())
    if found is None:
        raise NotFound("No account is named {name}.", name=name)
    if not reviewers([found.user]):
        raise InvalidInput("{name} cannot work on cases. Choose a person whose role allows it.", name=found.user.name)
    if not reviews_group(found.user, group):
        raise InvalidInput("{name} does not review this group. Choose another person.", name=found.user.name)
    return found.user


def _tags(given: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for tag in given:
        if len(tag) > MAX_TAG:
            raise InvalidInput("A tag can have at most {limit} characters.", limit=MAX_TAG)
        cleaned = cut(one_line(tag), MAX_TAG)
        if cleaned:
            kept.setdefault(cleaned.casefold(), cleaned)
    if len(kept) > MAX_TAGS:
        raise InvalidInput("A case can have at most {limit} tags.", limit=MAX_TAGS)
    return tuple(sorted(kept.values(), key=str.casefold))


def _correction(case: ReviewCase, text: str) -> str:
    if not text.strip():
        return ""
    if case.feedback.run_id is not None:
        raise InvalidInput("Boxes on an image are corrected on the Images page.")
    if case.feedback.answer is None:
        raise Conflict("The chat was deleted, so there is no answer to correct.")
    return _prose(text, "A corrected answer can have at most {limit} characters.", MAX_CORRECTION)


def _prose(text: str, too_long: str, limit: int) -> str:
    if len(text) > limit:
        raise InvalidInput(too_long, limit=limit)
    return without_controls(text).strip()
