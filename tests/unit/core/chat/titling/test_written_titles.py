"""Titles that the model writes after the first answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from core.chat.conversations import Conversations
from core.chat.titling.titles import TITLE_CHARS, written_title
from core.chat.titling.written_titles import KIND, TitleWriter
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Unavailable
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import JobFilter
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished, until
from tests.unit.core.conftest import MovingClock

QUESTION = "How do fixed rates differ from floating rates?"
REPLY = "Fixed rates stay the same; floating rates follow the market."


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Gateway:
    return Gateway(unit_of_work, router, clock)


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, jobs: Jobs) -> Iterator[Turns]:
    service = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, jobs=jobs)
    yield service
    service.close()


@pytest.fixture
def writing(
    unit_of_work: UnitOfWorkFactory, gateway: Gateway, turns: Turns, working: Callable[[Sequence[JobKind]], JobWorker]
) -> Callable[[], None]:
    """Start the worker, and wait until no title is waiting."""
    writer = TitleWriter(unit_of_work, gateway, turns.count)

    def ended() -> bool:
        with unit_of_work() as work:
            return not work.jobs.find(JobFilter(kinds=(KIND,)), 1)

    def run() -> None:
        working(writer.job_kinds())
        until(ended)

    return run


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


def ask(turns: Turns, router: FakeRouter, ana: User, chat: str, title: str) -> None:
    router.next_answers.put(answer(REPLY))
    router.next_answers.put(answer(title))
    finished(turns, ana, turns.start(ana, chat, QUESTION, TurnOptions(), "r1"))


def test_the_model_writes_the_title_after_the_first_answer(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, writing: Callable[[], None]
) -> None:
    ask(turns, router, ana, chat, 'Title: "Fixed and floating rates".\nIt compares both.')
    writing()
    assert conversations.get(ana, chat).title == "Fixed and floating rates"
    asked = router.requests[-1]
    assert (asked.task, asked.batch, asked.thinking) == (Task.TITLE, True, False)
    assert QUESTION in asked.messages[0].content and REPLY in asked.messages[0].content


def test_a_title_is_no_answer_in_the_usage_numbers(
    turns: Turns, router: FakeRouter, ana: User, chat: str, writing: Callable[[], None], unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    ask(turns, router, ana, chat, "Fixed rates")
    writing()
    day = clock().date()
    with unit_of_work() as work:
        parts = {part.source: part for part in work.generations.parts(day, day)}
    assert parts[Source.CHAT].answers == 1
    assert parts[Source.TITLE].answers == 0 and parts[Source.TITLE].completion_tokens > 0


def test_a_chosen_title_stays(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, writing: Callable[[], None]
) -> None:
    ask(turns, router, ana, chat, "Fixed and floating rates")
    conversations.rename(ana, chat, "For Monday")
    writing()
    assert conversations.get(ana, chat).title == "For Monday"
    assert len(router.requests) == 1


def test_a_title_that_says_nothing_about_the_chat_is_not_taken(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, writing: Callable[[], None]
) -> None:
    ask(turns, router, ana, chat, "Sure! Happy to help")
    writing()
    assert conversations.get(ana, chat).title == QUESTION


def test_a_model_that_fails_leaves_the_title_and_no_failed_job(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, writing: Callable[[], None]
) -> None:
    router.next_answers.put(answer(REPLY))
    router.next_answers.put([Unavailable("The model is gone.")])
    finished(turns, ana, turns.start(ana, chat, QUESTION, TurnOptions(), "r1"))
    writing()
    assert conversations.get(ana, chat).title == QUESTION


def test_an_answer_that_begins_interrupts_the_title_which_is_written_afterwards(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, working: Callable[[Sequence[JobKind]], JobWorker],
    unit_of_work: UnitOfWorkFactory, gateway: Gateway,
) -> None:  # fmt: skip
    ask(turns, router, ana, chat, "Fixed and floating rates")
    router.next_answers.put(answer("word " * 2_000))
    router.next_answers.put(answer("Fixed and floating rates"))
    router.hold()
    working(TitleWriter(unit_of_work, gateway, turns.count).job_kinds())
    until(lambda: len(router.requests) == 2)  # The title is being written.
    turn = turns.start(ana, conversations.new(ana).id, "Another question", TurnOptions(), "r2")
    until(lambda: len(router.requests) == 3)

    # Both wait at the same gate: whichever passes it, the answer is far from its end.
    def interrupted() -> bool:
        router.release(1)
        return router.generations[1].cancelled.is_set()

    until(interrupted)
    assert conversations.get(ana, chat).title == QUESTION
    router.release(20_000)
    finished(turns, ana, turn)
    until(lambda: conversations.get(ana, chat).title == "Fixed and floating rates")


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("**Comparing Rates**", "Comparing Rates"),
        ("# Rates in May", "Rates in May"),
        ("\n\n“fixed rates explained.”", "Fixed rates explained"),
        ("", None),
        ("!!!", None),
        ("Tokens and cheese", None),
        ("Fixed and floating rates: how they follow the market and where they differ", "Fixed and floating rates"),
    ],
)
def test_what_a_model_wrote_becomes_a_short_clean_title(written: str, title: str | None) -> None:
    assert written_title(written, QUESTION, REPLY) == title


def test_long_and_chinese_titles() -> None:
    long = written_title("Fixed rates " * 30, QUESTION, REPLY)
    assert long is not None and len(long) <= TITLE_CHARS
    assert written_title("标题：供应商合同的变化", "总结供应商合同", "第七条变了。") == "供应商合同的变化"
    assert written_title("天气很好", "总结供应商合同", "第七条变了。") is None
