from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from core.chat.conversations import Conversations
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.operations.records import RetentionKind
from core.operations.retention import FILES_AT_ONCE, Retention
from core.people.accounts import Accounts
from core.people.audit_records import AuditEvent
from core.people.records import Role, User
from core.review.records import FeedbackFilter
from core.search.records import SearchHit, SearchPage, SearchQuery
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import JobFilter, JobState
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things
from tests.unit.core.conftest import MovingClock


class NoIndex:
    engine = "none"

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return []

    def page(self, query: SearchQuery) -> SearchPage:
        return SearchPage([], 0)


@pytest.fixture
def retention(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Retention:
    return Retention(unit_of_work, clock)


def put_chat(unit_of_work: UnitOfWorkFactory, owner: User, clock: MovingClock, days_ago: int) -> str:
    """Store a rated chat of this age; return its id."""
    at = clock() - timedelta(days=days_ago)
    talk = things.conversation(owner, "Rates", at)
    asked = things.question(talk, at=at)
    answered = things.answer(asked, at=at)
    with unit_of_work() as work:
        work.conversations.add(talk)
        work.messages.add(asked)
        work.messages.add(answered)
        work.generations.add(things.generation(owner, answered, at=at))
        work.feedback.put(things.feedback(owner, answered, at=at))
        work.commit()
    return talk.id


def chats(unit_of_work: UnitOfWorkFactory, owner: User) -> set[str]:
    with unit_of_work() as work:
        return {talk.id for talk in work.conversations.of_user(owner.id, 100)}


def audit(unit_of_work: UnitOfWorkFactory) -> list[AuditEvent]:
    with unit_of_work() as work:
        return [each.event for each in work.audit.by_ids([str(number) for number in range(1, 50)])]


def test_without_a_rule_everything_is_kept(unit_of_work: UnitOfWorkFactory, retention: Retention, ana: User, clock: MovingClock) -> None:
    old = put_chat(unit_of_work, ana, clock, 9999)
    assert retention.apply() == 0
    assert chats(unit_of_work, ana) == {old}


def test_a_rule_deletes_what_is_older_and_leaves_proof(
    unit_of_work: UnitOfWorkFactory, retention: Retention, admin: User, ana: User, clock: MovingClock
) -> None:
    old, young = put_chat(unit_of_work, ana, clock, 31), put_chat(unit_of_work, ana, clock, 29)
    retention.set_rule(admin, RetentionKind.CHATS, "*", 30)
    assert retention.apply(admin) == 1
    assert chats(unit_of_work, ana) == {young}
    [event] = [event for event in audit(unit_of_work) if event.action == "retention.delete"]
    assert (event.actor_id, event.subject, event.details["count"]) == (admin.id, "chats", "1")
    assert event.details["sha256"] == hashlib.sha256(old.encode()).hexdigest()
    with unit_of_work() as work:
        assert len(work.generations.rated(things.NOW - timedelta(days=9999), clock())) == 2, "usage stays"
        assert work.feedback.count(FeedbackFilter()) == 2, "ratings have a rule of their own"
    retention.set_rule(admin, RetentionKind.FEEDBACK, "*", 30)
    assert retention.apply() == 1
    with unit_of_work() as work:
        assert work.feedback.count(FeedbackFilter()) == 1
    retention.set_rule(admin, RetentionKind.CHATS, "*", None)
    clock.forward(days=100)
    retention.apply()
    assert chats(unit_of_work, ana) == {young}


def test_the_rule_of_a_group_goes_before_the_one_for_all(
    unit_of_work: UnitOfWorkFactory, retention: Retention, accounts: Accounts, admin: User, ana: User, clock: MovingClock
) -> None:
    bo = accounts.add(None, "bo", Role.ANALYST, password="correct horse", group="Legal")
    kept, lost = put_chat(unit_of_work, bo, clock, 200), put_chat(unit_of_work, ana, clock, 200)
    retention.set_rule(admin, RetentionKind.CHATS, "*", 100)
    retention.set_rule(admin, RetentionKind.CHATS, "Legal", 365)
    assert retention.apply() == 1
    assert (chats(unit_of_work, bo), lost in chats(unit_of_work, ana)) == ({kept}, False)
    retention.set_rule(admin, RetentionKind.CHATS, "Legal", 10)
    assert retention.apply() == 1


def test_under_a_legal_hold_neither_rules_nor_the_person_delete(
    unit_of_work: UnitOfWorkFactory, retention: Retention, admin: User, ana: User, clock: MovingClock
) -> None:
    old = put_chat(unit_of_work, ana, clock, 400)
    retention.set_rule(admin, RetentionKind.CHATS, "*", 30)
    retention.set_rule(admin, RetentionKind.FEEDBACK, "*", 30)
    retention.place_hold(admin, "ANA", "case 4711")
    assert [(hold.user_name, hold.reason) for hold in retention.holds(admin)] == [("ana", "case 4711")]
    assert retention.apply() == 0
    with pytest.raises(Conflict, match="legal hold"):
        Conversations(unit_of_work, NoIndex(), clock).delete(ana, old)
    assert chats(unit_of_work, ana) == {old}
    retention.lift_hold(admin, "ana")
    assert retention.apply() == 2
    assert chats(unit_of_work, ana) == set()
    assert [event.action for event in audit(unit_of_work) if event.action.startswith("hold")] == ["hold.place", "hold.lift"]


def test_old_audit_events_go_and_the_proof_of_every_deletion_stays(
    unit_of_work: UnitOfWorkFactory, retention: Retention, admin: User, ana: User, clock: MovingClock
) -> None:
    put_chat(unit_of_work, ana, clock, 31)
    retention.set_rule(admin, RetentionKind.CHATS, "*", 30)
    retention.apply()
    clock.forward(days=100)
    retention.place_hold(admin, "ana", "case 4711")
    retention.set_rule(admin, RetentionKind.AUDIT, "*", 180)
    assert retention.apply() == 0
    clock.forward(days=81)
    assert retention.apply(admin) == 3, "the rule of 181 days ago, the account root of before and its group"
    clock.forward(days=200)
    retention.lift_hold(admin, "ana")
    assert retention.apply() == 3, "the account ana, kept by the hold, the hold itself, and the second rule"
    left = [(event.action, event.subject) for event in audit(unit_of_work)]
    assert left == [("retention.delete", "chats"), ("retention.delete", "audit"), ("hold.lift", "ana"), ("retention.delete", "audit")]
    assert [event.details["count"] for event in audit(unit_of_work) if event.subject == "audit"] == ["3", "3"]


def test_a_chat_with_a_running_answer_is_left_alone(
    unit_of_work: UnitOfWorkFactory, retention: Retention, admin: User, ana: User, clock: MovingClock
) -> None:
    at = clock() - timedelta(days=400)
    talk = things.conversation(ana, "Rates", at)
    asked = things.question(talk, at=at)
    answered = things.answer(asked, at=at)
    with unit_of_work() as work:
        work.conversations.add(talk)
        work.messages.add(asked)
        work.messages.add(answered)
        work.turns.add(things.turn(ana, asked, answered))
        work.commit()
    retention.set_rule(admin, RetentionKind.CHATS, "*", 30)
    assert retention.apply() == 0


def put_file(unit_of_work: UnitOfWorkFactory, owner: User, clock: MovingClock, days_ago: float, chat: str | None = None) -> str:
    """Store a file of this age, which waits or is shown by the first question of a chat; return its id."""
    added = things.file(owner, at=clock() - timedelta(days=days_ago))
    with unit_of_work() as work:
        work.files.add(added, b"1;2;3")
        if chat is not None:
            work.files.attach(work.messages.of_conversation(chat)[0].id, chat, [added.id])
        work.commit()
    return added.id


def there(unit_of_work: UnitOfWorkFactory, *file_ids: str) -> list[bool]:
    with unit_of_work() as work:
        return [work.files.get(id) is not None for id in file_ids]


def test_old_files_go_from_the_chats_that_stay_and_leave_proof(
    unit_of_work: UnitOfWorkFactory, retention: Retention, admin: User, ana: User, clock: MovingClock
) -> None:
    talk = put_chat(unit_of_work, ana, clock, 40)
    old = sorted(put_file(unit_of_work, ana, clock, 31, talk) for _ in range(FILES_AT_ONCE + 1))
    young, waiting = put_file(unit_of_work, ana, clock, 29, talk), put_file(unit_of_work, ana, clock, 31)
    retention.set_rule(admin, RetentionKind.FILES, "*", 30)
    retention.place_hold(admin, "ana", "case 4711")
    assert retention.apply() == 0
    retention.lift_hold(admin, "ana")
    assert retention.apply(admin) == len(old)
    assert there(unit_of_work, young, waiting, *old) == [True, True, *[False] * len(old)]
    with unit_of_work() as work:
        assert [[each.id for each in message.files] for message in work.messages.of_conversation(talk)] == [[young], []]
    proofs = [event for event in audit(unit_of_work) if event.action == "retention.delete"]
    assert [(each.actor_id, each.subject, each.details["count"]) for each in proofs] == [
        (admin.id, "files", str(FILES_AT_ONCE)), (admin.id, "files", "1"),
    ]  # fmt: skip


def test_files_that_nobody_asked_with_go_after_a_day_without_any_rule(
    unit_of_work: UnitOfWorkFactory,
    retention: Retention,
    admin: User,
    ana: User,
    clock: MovingClock,
    jobs: Jobs,
    working: Callable[[Sequence[JobKind]], JobWorker],
) -> None:
    shown = put_file(unit_of_work, ana, clock, 9, put_chat(unit_of_work, ana, clock, 9))
    old, young = [put_file(unit_of_work, ana, clock, 1.01) for _ in range(2 * FILES_AT_ONCE)], put_file(unit_of_work, ana, clock, 0.99)
    retention.place_hold(admin, "ana", "case 4711")
    assert retention.remove_waiting_files() == 0
    retention.lift_hold(admin, "ana")
    working(retention.job_kinds())
    with unit_of_work() as work:
        jobs.run_now(work, "retention.apply")
        work.commit()
    jobs.wake()
    until = time.monotonic() + 60
    while not (done := jobs.list(admin, JobFilter(states=(JobState.DONE,)))) and time.monotonic() < until:
        time.sleep(0.01)
    assert done[0].result == {"deleted": 0, "files_removed": len(old)}
    [tomorrow] = jobs.list(admin, JobFilter(states=(JobState.WAITING,)))
    assert tomorrow.run_after == clock() + timedelta(days=1)
    assert there(unit_of_work, shown, young, *old) == [True, True, *[False] * len(old)]
    assert retention.remove_waiting_files() == 0


def test_what_cannot_be_set_is_refused(retention: Retention, admin: User, ana: User) -> None:
    chats, audit = RetentionKind.CHATS, RetentionKind.AUDIT
    for kind, group, days in ((chats, "*", 0), (chats, "*", 10**9), (audit, "*", 179), (audit, "risk", 200)):
        with pytest.raises(InvalidInput):
            retention.set_rule(admin, kind, group, days)
    with pytest.raises(NotFound):
        retention.set_rule(admin, RetentionKind.CHATS, "*", None)
    with pytest.raises(NotFound):
        retention.place_hold(admin, "nobody", "x")
    with pytest.raises(NotFound):
        retention.lift_hold(admin, "ana")
    with pytest.raises(InvalidInput):
        retention.place_hold(admin, "ana", "  ")
    with pytest.raises(NotAllowed):
        retention.apply(ana)
