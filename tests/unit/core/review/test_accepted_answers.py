"""Accepted answers become replay questions of the model that gave them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.chat.conversations import Conversations
from core.chat.records import Author, Message, MessageStatus
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.knowledge.records import StoredFile
from core.models.swaps.swaps import Swaps
from core.people.records import User
from core.review.accepted_answers import AcceptedAnswers
from core.review.feedback import FeedbackQueue
from core.review.records import FeedbackFilter
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWorkFactory
from data.search.sqlite.index import SqliteIndex
from models.serving.state_files.start_list import FileStartList
from models.serving.swapping.pattern_finder import ProcessPatternFinder
from tests.store import things
from tests.unit.core.conftest import MovingClock, feedback_queue

Store = Callable[..., str]


@pytest.fixture
def feedback(unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path) -> FeedbackQueue:
    return feedback_queue(unit_of_work, SqliteIndex(tmp_path / "search.db"), clock)


@pytest.fixture
def swaps(unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path) -> Swaps:
    start_list, jobs = FileStartList(tmp_path / "start.json"), Jobs(unit_of_work, clock)
    return Swaps(unit_of_work, clock, jobs, "here", None, ProcessPatternFinder(), start_list, lambda name: False)


@pytest.fixture
def accepted(unit_of_work: UnitOfWorkFactory, swaps: Swaps, feedback: FeedbackQueue) -> AcceptedAnswers:
    return AcceptedAnswers(unit_of_work, swaps, feedback)


@pytest.fixture
def answered(unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path) -> Store:
    """Return a function that stores a chat of someone with one answer, and returns the answer's id."""

    def store(user: User, status: MessageStatus = MessageStatus.DONE, *, file: bool = False) -> str:
        chat, now = Conversations(unit_of_work, SqliteIndex(tmp_path / "search.db"), clock).new(user), clock()
        with unit_of_work() as work:
            question = Message(f"q-{chat.id}", chat.id, None, Author.USER, "What is VAT?", MessageStatus.DONE, now)
            answer = Message(f"a-{chat.id}", chat.id, question.id, Author.ASSISTANT, "A tax.", status, now)
            work.messages.add(question)
            work.messages.add(answer)
            work.generations.add(replace(things.generation(user, answer), model="glm:legal"))
            work.conversations.save(replace(chat, head_id=answer.id))
            if file:
                work.files.add(StoredFile("f", user.id, "a.txt", 1, now, encoding="utf-8"), b"a")
                work.files.attach(question.id, chat.id, ["f"])
            work.commit()
        return answer.id

    return store


def test_an_own_answer_is_kept_once_for_its_model(accepted: AcceptedAnswers, swaps: Swaps, admin: User, answered: Store) -> None:
    answer = answered(admin)
    accepted.accept(admin, answer)
    [kept] = swaps.replays(admin, "glm")
    assert (kept.model, kept.question, kept.accepted, kept.created_by) == ("glm", "What is VAT?", "A tax.", admin.id)
    with pytest.raises(Conflict, match="already"):
        accepted.accept(admin, answer)


def test_an_answer_of_somebody_else_is_reached_through_its_review_case_only(
    accepted: AcceptedAnswers, swaps: Swaps, feedback: FeedbackQueue, admin: User, ana: User, answered: Store
) -> None:
    answer = answered(ana)
    with pytest.raises(NotAllowed):
        accepted.accept(ana, answer)
    with pytest.raises(NotFound):
        accepted.accept(admin, answer)
    feedback.rate(ana, answer, 1)
    [case] = feedback.find(admin, FeedbackFilter())[0]
    assert accepted.accept_case(admin, case.id).accepted == "A tax."
    assert len(swaps.replays(admin)) == 1


def test_an_answer_that_cannot_be_replayed_is_refused(accepted: AcceptedAnswers, admin: User, answered: Store) -> None:
    with pytest.raises(InvalidInput, match="complete"):
        accepted.accept(admin, answered(admin, MessageStatus.STOPPED))
    with pytest.raises(InvalidInput, match="files"):
        accepted.accept(admin, answered(admin, file=True))
