from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.chat.conversations import Conversations
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.notices.records import NoticeKind
from core.people.audit_records import AuditFilter
from core.people.records import KeyInUse, Role, Scope, User
from core.review.cases.changes import CaseChange
from core.review.cases.queue import CaseQueue
from core.review.cases.records import CaseEventKind, CaseQuery
from core.review.cases.work import CaseWork
from core.review.feedback import FeedbackQueue
from core.review.names import REVEALED_FOR, RevealReason, ReviewNames
from core.review.records import Feedback, FeedbackFilter, RatingDetails
from core.unit_of_work import UnitOfWorkFactory
from data.search.sqlite.index import SqliteIndex
from tests.unit.core.conftest import MovingClock, feedback_queue, review_names
from tests.unit.core.review.test_feedback import answered

QUESTION = "I am {full}. Write to ana@bank.example, from 张三."
ANSWER = "Dear {full}, this is last year's rate."
CHECK = RevealReason.CHECK


class Desk:
    """A reviewer's services with names hidden, and one rated answer."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: MovingClock, folder: Path, ana: User) -> None:
        index = SqliteIndex(folder / "search.db")
        self.names: ReviewNames = review_names(unit_of_work, clock, hidden=True)
        self.feedback: FeedbackQueue = feedback_queue(unit_of_work, index, clock, self.names)
        self.queue = CaseQueue(unit_of_work, index, self.feedback, clock, self.names)
        self.work = CaseWork(unit_of_work, clock, self.names)
        chats = Conversations(unit_of_work, index, clock)
        full = ana.full_name
        reply = answered(unit_of_work, chats, ana, "1", QUESTION.format(full=full), ANSWER.format(full=full))
        self.feedback.rate(ana, reply, -1, f"Signed, {full} ({ana.name})", RatingDetails(better_answer=f"Hello {full}"))


@pytest.fixture
def desk(unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path, ana: User) -> Desk:
    return Desk(unit_of_work, clock, tmp_path, ana)


def names_of(rating: Feedback, ana: User) -> list[str]:
    """Where the rater can still be recognized."""
    better = rating.details.better_answer
    texts = (rating.user_name, rating.user_full_name, rating.comment, rating.question or "", rating.answer or "", better)
    return [text for text in texts if ana.full_name in text or ana.name in text or "@" in text]


def test_nothing_that_a_reviewer_reads_names_the_rater(desk: Desk, ana: User, admin: User) -> None:
    [case] = desk.queue.find(admin, CaseQuery()).cases
    opened = desk.queue.open(admin, case.number)
    started = desk.work.start(admin, case.number)
    changed = desk.work.change(admin, case.number, case.version, CaseChange(note="Seen"))
    seen = [
        case.feedback, desk.queue.get(admin, case.number).feedback, opened.case.feedback, started.feedback, changed.feedback,
        *desk.feedback.find(admin, FeedbackFilter())[0], *desk.feedback.all(admin, FeedbackFilter()),
        desk.feedback.get(admin, case.feedback.id), desk.feedback.open(admin, case.feedback.id).feedback,
        desk.work.change_rating(admin, case.feedback.id, note="Again").feedback,
    ]  # fmt: skip
    assert len(seen) == 10 and [names_of(each, ana) for each in seen] == [[]] * 10
    assert all(each.names_hidden and each.question and "[NAME]" in each.question and "[E-MAIL]" in each.question for each in seen)
    assert not any(ana.full_name in message.text for message in opened.branch) and len(opened.branch) == 2


def test_a_reviewer_who_says_why_sees_the_names_of_one_case_for_half_an_hour(
    desk: Desk, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, admin: User
) -> None:
    [case] = desk.queue.find(admin, CaseQuery()).cases
    other = replace(admin, id=ana.id, role=Role.ADMIN)
    with pytest.raises(InvalidInput):
        desk.names.reveal(admin, case.number, CHECK, " ")
    with pytest.raises(NotFound):
        desk.names.reveal(admin, 99, CHECK, "The rate")
    until = desk.names.reveal(admin, case.number, CHECK, "Which entity")
    shown = desk.queue.open(admin, case.number)
    assert shown.case.feedback.user_name == ana.name and shown.case.names_until == until == clock() + REVEALED_FOR
    assert any(ana.full_name in message.text for message in shown.branch)
    assert desk.queue.get(other, case.number).feedback.names_hidden, "nobody else sees them"
    assert desk.queue.find(admin, CaseQuery()).cases[0].feedback.names_hidden, "lists never have names"
    clock.forward(minutes=30)
    assert desk.queue.get(admin, case.number).feedback.names_hidden

    [event] = [each for each in shown.history if each.kind is CaseEventKind.REVEALED]
    assert (event.actor_name, event.before, event.after) == (admin.name, "check", "Which entity")
    [look] = desk.names.looks(ana)
    assert (look.viewer_name, look.number, look.reason, look.why) == (admin.name, case.number, CHECK, "Which entity")
    assert desk.names.looks(admin) == []
    with unit_of_work() as work:
        assert [each.kind for each in work.notices.of_user(ana.id, 5)] == [NoticeKind.NAME_REVEALED]
        audited = work.audit.find(AuditFilter(action="case.reveal"), 5)
    assert [dict(each.event.details) for each in audited] == [{"reason": "check"}]


def test_a_key_never_gets_names(desk: Desk, admin: User) -> None:
    [case] = desk.queue.find(admin, CaseQuery()).cases
    program = replace(admin, key=KeyInUse("k", frozenset(Scope)))
    desk.names.reveal(admin, case.number, CHECK, "Which entity")
    assert desk.queue.get(program, case.number).feedback.names_hidden
    with pytest.raises(NotAllowed):
        desk.names.reveal(program, case.number, CHECK, "Which entity")


def test_only_reviewers_reveal_and_a_portal_without_masks_shows_names(
    desk: Desk, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, admin: User
) -> None:
    [case] = desk.queue.find(admin, CaseQuery()).cases
    with pytest.raises(NotAllowed):
        desk.names.reveal(ana, case.number, CHECK, "Curious")
    shown = review_names(unit_of_work, clock)
    with unit_of_work() as work:
        stored = work.cases.get(case.number)
    assert stored is not None
    assert shown.of_case(admin, stored).feedback.user_name == ana.name and not shown.hidden
    with pytest.raises(Conflict):
        shown.reveal(admin, case.number, CHECK, "Which entity")


@pytest.mark.parametrize(
    ("full_name", "text", "hidden"),
    [
        ("Ana Costa", "Regards, Ana", "Regards, [NAME]"), ("Ana Costa", "an analysis of Anatolia", "an analysis of Anatolia"),
        ("王小明", "我是王小明，请看", "我是[NAME]，请看"), ("Mei Lin", "MEI LIN or mei", "[NAME] or [NAME]"), ("", "Nobody", "Nobody"),
    ],
    ids=["first_name", "part_of_a_word", "chinese", "sign_in_name", "no_name"],
)  # fmt: skip
def test_a_name_is_hidden_where_it_stands_as_a_word(desk: Desk, ana: User, admin: User, full_name: str, text: str, hidden: str) -> None:
    [case] = desk.queue.find(admin, CaseQuery()).cases
    rating = replace(case.feedback, user_name="mei", user_full_name=full_name, names_hidden=False)
    assert desk.names.hide(rating)(text) == hidden
