from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.chat.conversations import Conversations
from core.chat.records import Author, Message, MessageStatus
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.records import User
from core.review.cases.work import CaseWork
from core.review.feedback import FeedbackQueue
from core.review.records import Feedback, FeedbackFilter, ReviewState
from core.unit_of_work import UnitOfWorkFactory
from data.database import open_database
from data.index.worker import IndexWorker
from data.search.sqlite.index import SqliteIndex
from tests.unit.core.conftest import MovingClock, feedback_queue, review_names

ALL = FeedbackFilter()


@pytest.fixture
def index(tmp_path: Path) -> SqliteIndex:
    return SqliteIndex(tmp_path / "search.db")


@pytest.fixture
def queue(unit_of_work: UnitOfWorkFactory, index: SqliteIndex, clock: MovingClock) -> FeedbackQueue:
    return feedback_queue(unit_of_work, index, clock)


@pytest.fixture
def desk(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> CaseWork:
    return CaseWork(unit_of_work, clock, review_names(unit_of_work, clock))


@pytest.fixture
def conversations(unit_of_work: UnitOfWorkFactory, index: SqliteIndex, clock: MovingClock) -> Conversations:
    return Conversations(unit_of_work, index, clock)


def answered(unit_of_work: UnitOfWorkFactory, conversations: Conversations, user: User, name: str, question: str, reply: str) -> str:
    """Store a conversation with one finished answer; return the answer's id."""
    chat = conversations.new(user)
    with unit_of_work() as work:
        work.messages.add(Message(f"q-{name}", chat.id, None, Author.USER, question, MessageStatus.DONE, chat.created_at))
        work.messages.add(Message(f"a-{name}", chat.id, f"q-{name}", Author.ASSISTANT, reply, MessageStatus.DONE, chat.created_at))
        work.conversations.save(replace(chat, head_id=f"a-{name}"))
        work.commit()
    return f"a-{name}"


def everything(queue: FeedbackQueue, user: User, filter: FeedbackFilter = ALL, text: str = "") -> list[Feedback]:
    return queue.find(user, filter, text)[0]


def test_a_rating_comes_with_question_answer_and_who_gave_it(
    queue: FeedbackQueue, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    queue.rate(ana, answered(unit_of_work, conversations, ana, "1", "What is 2+2?", "5"), -1, " Wrong. ")
    (found,) = everything(queue, admin)
    assert (found.rating, found.comment, found.question, found.answer, found.user_name) == (-1, "Wrong.", "What is 2+2?", "5", "ana")
    assert found.state is ReviewState.NEW


def test_rating_again_replaces_and_zero_takes_it_back(
    queue: FeedbackQueue, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    reply = answered(unit_of_work, conversations, ana, "1", "Q", "A")
    queue.rate(ana, reply, -1, "bad")
    queue.rate(ana, reply, 1)
    (found,) = everything(queue, admin)
    assert (found.rating, found.comment) == (1, "")
    queue.rate(ana, reply, 0)
    assert everything(queue, admin) == []


def test_only_the_owner_rates_and_only_finished_answers(
    queue: FeedbackQueue, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    reply = answered(unit_of_work, conversations, ana, "1", "Q", "A")
    with pytest.raises(NotFound):
        queue.rate(admin, reply, 1)
    with pytest.raises(NotFound):
        queue.rate(ana, "q-1", 1)
    with pytest.raises(InvalidInput):
        queue.rate(ana, reply, 2)
    with pytest.raises(InvalidInput):
        queue.rate(ana, reply, 1, "x" * 4001)
    with unit_of_work() as work:
        message = work.messages.get(reply)
        assert message is not None
        work.messages.add(replace(message, id="running", status=MessageStatus.STREAMING))
        work.commit()
    with pytest.raises(Conflict):
        queue.rate(ana, "running", 1)


def test_analysts_and_managers_read_no_feedback(queue: FeedbackQueue, desk: CaseWork, ana: User) -> None:
    for attempt in (
        lambda: queue.find(ana, FeedbackFilter()),
        lambda: list(queue.all(ana, FeedbackFilter())),
        lambda: queue.get(ana, "x"),
        lambda: queue.counts(ana),
        lambda: desk.change_rating(ana, "x", state=ReviewState.RESOLVED),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_a_review_changes_state_and_note_and_names_the_reviewer(
    queue: FeedbackQueue, desk: CaseWork, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    queue.rate(ana, answered(unit_of_work, conversations, ana, "1", "Q", "A"), -1)
    case = everything(queue, admin)[0]
    desk.change_rating(admin, case.id, state=ReviewState.IN_REVIEW)
    desk.change_rating(admin, case.id, note="Ask Ana")
    found = queue.get(admin, case.id)
    assert (found.state, found.note, found.reviewer_name) == (ReviewState.IN_REVIEW, "Ask Ana", "root")
    assert queue.counts(admin)[ReviewState.IN_REVIEW] == 1
    assert everything(queue, admin, FeedbackFilter(state=ReviewState.NEW)) == []


def test_a_search_finds_words_of_answers_and_comments_in_both_languages(
    queue: FeedbackQueue,
    conversations: Conversations,
    unit_of_work: UnitOfWorkFactory,
    ana: User,
    admin: User,
    index: SqliteIndex,
    tmp_path: Path,
) -> None:
    queue.rate(ana, answered(unit_of_work, conversations, ana, "1", "Convert to euro", "The closing rate is 0.96"), -1, "汇率已经过期")
    queue.rate(ana, answered(unit_of_work, conversations, ana, "2", "Weather", "Sunny"), 1)
    database = open_database(f"sqlite:///{tmp_path}/portal.db")
    worker = IndexWorker(database, index)
    worker.drain(10)
    for text in ("closing rate", "euro", "汇率", "过期 closing"):
        assert [each.question for each in everything(queue, admin, text=text)] == ["Convert to euro"], text
    assert everything(queue, admin, text="closing sunny") == []
    assert everything(queue, admin, FeedbackFilter(rating=1), "closing") == []
    database.close()


def test_a_deleted_chat_leaves_the_rating_without_the_text(
    queue: FeedbackQueue, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, admin: User
) -> None:
    queue.rate(ana, answered(unit_of_work, conversations, ana, "1", "Secret question", "A"), -1, "Wrong")
    case = everything(queue, admin)[0]
    conversations.delete(ana, case.conversation_id)
    found = queue.get(admin, case.id)
    assert (found.rating, found.question, found.answer) == (-1, None, None)
