"""Notices: who is told of what, until it is read, seen, gone or old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from core.chat.conversations import Conversations
from core.chat.flags import ConversationFlags
from core.chat.turns import TurnOptions, Turns
from core.errors import NotFound
from core.notices.records import NoticeChoices, NoticeKind
from core.notices.service import GRACE, Notices
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.review.cases.work import CaseWork
from core.review.records import FeedbackFilter, ReviewState
from core.sharing.shares import Shares
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.chat.test_temporary import until
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock, NoIndex, feedback_queue, review_names


@pytest.fixture
def notices(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Notices:
    return Notices(unit_of_work, clock)


@pytest.fixture
def chat(conversations: Conversations, turns: Turns, ana: User, clock: MovingClock) -> str:
    made = conversations.new(ana, "Rates").id
    finished(turns, ana, turns.start(ana, made, "How much?", TurnOptions(), "r1"))
    return made


def kinds(notices: Notices, user: User) -> list[tuple[NoticeKind, str, str]]:
    return [(each.kind, each.subject, each.target) for each in notices.list(user)]


def test_an_answer_counts_once_nobody_has_seen_it_for_a_moment(
    notices: Notices, conversations: Conversations, turns: Turns, ana: User, admin: User, chat: str, clock: MovingClock
) -> None:
    assert notices.unread(ana).count == 0, "the page that shows the chat has a moment to say so"
    clock.time += GRACE + timedelta(seconds=1)
    assert kinds(notices, ana) == [(NoticeKind.ANSWER_READY, "Rates", chat)]
    assert notices.unread(ana).count == 1 and notices.unread(ana).newest == tuple(notices.list(ana))
    finished(turns, ana, turns.start(ana, chat, "And then?", TurnOptions(), "r2"))
    clock.time += GRACE + timedelta(seconds=1)
    assert notices.unread(ana).count == 1, "one notice for a chat, however many answers"
    assert notices.unread(admin).count == 0 and notices.list(admin) == []


def test_the_answer_of_the_open_chat_does_not_count(
    notices: Notices, conversations: Conversations, turns: Turns, ana: User, chat: str, clock: MovingClock
) -> None:
    other = conversations.new(ana, "Costs").id
    finished(turns, ana, turns.start(ana, other, "How many?", TurnOptions(), "r2"))
    clock.time += GRACE * 2
    assert notices.unread(ana).count == 2
    assert [each.target for each in notices.unread(ana, seen=chat).newest] == [other]


def test_whoever_opens_the_chat_has_read_its_notice(
    notices: Notices, unit_of_work: UnitOfWorkFactory, ana: User, chat: str, clock: MovingClock
) -> None:
    ConversationFlags(unit_of_work, clock).set_unread(ana, chat, False)
    clock.time += GRACE * 2
    assert notices.unread(ana).count == 0 and notices.list(ana)[0].read_at is not None


def test_a_stopped_or_failed_answer_gives_no_notice(
    notices: Notices, conversations: Conversations, turns: Turns, router: FakeRouter, ana: User
) -> None:
    made = conversations.new(ana).id
    router.hold()
    turn = turns.start(ana, made, "How much?", TurnOptions(), "r1")
    until(lambda: bool(router.generations))
    turns.stop(ana, made)
    router.release()
    finished(turns, ana, turn)
    assert notices.list(ana) == []


def test_a_notice_goes_with_its_chat(notices: Notices, unit_of_work: UnitOfWorkFactory, ana: User, chat: str) -> None:
    with unit_of_work() as work:
        work.conversations.remove(chat)
        work.commit()
    assert notices.list(ana) == []


def test_the_members_of_a_group_are_told_of_a_share_and_no_longer_once_it_is_revoked(
    notices: Notices, unit_of_work: UnitOfWorkFactory, accounts: Accounts, ana: User, admin: User, chat: str, clock: MovingClock
) -> None:
    member = accounts.add(None, "mia", Role.ANALYST, password="a long password", group=ana.group)
    accounts.add(None, "sam", Role.ANALYST, password="a long password", group="Sales")
    shares = Shares(unit_of_work, clock, PrivacyFilter(unit_of_work, clock))
    with unit_of_work() as work:
        group = next(each.id for each in work.groups.all() if each.name == ana.group)
    before = kinds(notices, ana)
    share = shares.create(ana, chat, group_id=group)
    shares.create(ana, chat)
    assert kinds(notices, member) == [(NoticeKind.SHARE_RECEIVED, "Rates", share.id)]
    assert kinds(notices, ana) == before and notices.list(admin) == []
    shares.revoke(ana, share.id)
    assert notices.list(member) == []


def test_a_rater_is_told_once_the_feedback_is_resolved(
    notices: Notices, unit_of_work: UnitOfWorkFactory, conversations: Conversations, ana: User, admin: User, chat: str, clock: MovingClock
) -> None:
    queue, desk = feedback_queue(unit_of_work, NoIndex(), clock), CaseWork(unit_of_work, clock, review_names(unit_of_work, clock))
    answer = conversations.transcript(ana, chat)[-1].message
    queue.rate(ana, answer.id, -1, "Wrong")
    with unit_of_work() as work:
        [rating] = work.feedback.find(FeedbackFilter(), 10, 0)
    notices.mark_all_read(ana)
    desk.change_rating(admin, rating.id, state=ReviewState.IN_REVIEW)
    assert len(notices.list(ana)) == 1
    desk.change_rating(admin, rating.id, state=ReviewState.RESOLVED)
    desk.change_rating(admin, rating.id, note="Known")
    assert [kind for kind, _, _ in kinds(notices, ana)].count(NoticeKind.FEEDBACK_RESOLVED) == 1
    assert kinds(notices, ana).count((NoticeKind.FEEDBACK_RESOLVED, "Rates", chat)) == 1


def test_whoever_started_a_job_is_told_how_it_ended(
    notices: Notices, unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Callable[[Sequence[JobKind]], JobWorker], ana: User
) -> None:
    def fail(job: object, report: object) -> None:
        raise NotFound("It is gone.")

    def done(job: object, report: object) -> None:
        return None

    with unit_of_work() as work:
        jobs.add(work, "good", owner=ana)
        jobs.add(work, "bad", owner=ana)
        jobs.add(work, "own")
        jobs.add(work, "quiet", owner=ana)
        jobs.add(work, "programs", owner=ana)
        work.commit()
    quiet = [JobKind("quiet", done, listed=False), JobKind("programs", done, notices=False)]
    working([JobKind("good", done), JobKind("bad", fail), JobKind("own", done), *quiet])
    until(lambda: len(notices.list(ana)) == 2)
    assert {(kind, subject) for kind, subject, _ in kinds(notices, ana)} == {(NoticeKind.JOB_DONE, "good"), (NoticeKind.JOB_FAILED, "bad")}
    assert notices.unread(ana).count == 2


def test_notices_are_marked_as_read_by_their_owner_alone(notices: Notices, ana: User, admin: User, chat: str, clock: MovingClock) -> None:
    clock.time += GRACE * 2
    [notice] = notices.list(ana)
    with pytest.raises(NotFound):
        notices.mark_read(admin, notice.id)
    notices.mark_all_read(admin)
    assert notices.unread(ana).count == 1
    notices.mark_read(ana, notice.id)
    assert notices.unread(ana).count == 0
    assert notices.list(ana, before=notice.created_at) == []


def test_old_notices_are_removed_except_under_a_legal_hold(
    notices: Notices, unit_of_work: UnitOfWorkFactory, ana: User, admin: User, chat: str, clock: MovingClock
) -> None:
    retention = Retention(unit_of_work, clock, notice_days=10)
    clock.forward(days=9)
    assert retention.remove_old_notices() == 0
    clock.forward(days=2)
    retention.place_hold(admin, "ana", "case 1")
    assert retention.remove_old_notices() == 0
    retention.lift_hold(admin, "ana")
    assert retention.remove_old_notices() == 1 and notices.list(ana) == []


def test_browsers_show_nothing_until_the_person_wants_it(notices: Notices, ana: User, admin: User) -> None:
    assert notices.choices(ana) == NoticeChoices(browser=False, titles=True)
    notices.choose(ana, NoticeChoices(browser=True, titles=False))
    assert notices.choices(ana) == NoticeChoices(browser=True, titles=False)
    assert not notices.choices(admin).browser
