"""The gateway writes one generation row for each request, however it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.errors import Busy, ModelFailed, NotAllowed, Unavailable
from core.inference.gateway import Gateway
from core.inference.offers import AccessRule
from core.inference.records import FinishReason, Generation, Source
from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest
from core.inference.running.answer import GONE, Answer
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.people.permissions import ROLES
from core.people.records import Role, User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from data.database import open_database
from data.repositories.usage.generations import GENERATION_COLUMNS, generation_of
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock

ASKED = GenerationRequest((ChatMessage("user", "Hello?"),), "ana")


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Gateway:
    return Gateway(unit_of_work, router, clock)


@pytest.fixture
def rows(tmp_path_factory: pytest.TempPathFactory, tmp_path: object) -> Callable[[], list[Generation]]:
    def read() -> list[Generation]:
        database = open_database(f"sqlite:///{tmp_path}/portal.db")
        with database.connect() as connection:
            found = [generation_of(row) for row in connection.execute(select(*GENERATION_COLUMNS))]
        database.close()
        return [row for row in found if row is not None]

    return read


def test_a_finished_answer_is_recorded_once(gateway: Gateway, ana: User, rows: Callable[[], list[Generation]]) -> None:
    running = gateway.answer(ana, ASKED, Source.API)
    events = list(gateway.recorded(running))
    assert isinstance(events[-1], Finished)
    [row] = rows()
    assert (row.id, row.user_id, row.group, row.source, row.finish_reason) == (running.id, ana.id, ana.group, Source.API, FinishReason.STOP)
    assert row.usage == events[-1].usage and row.error is None


def test_a_failed_answer_is_recorded_with_its_error_as_data(
    gateway: Gateway, router: FakeRouter, ana: User, rows: Callable[[], list[Generation]]
) -> None:
    router.next_answers.put([Delta("Half", tokens=1), ModelFailed("The model {model} stopped.", model="glm")])
    with pytest.raises(ModelFailed):
        list(gateway.recorded(gateway.answer(ana, ASKED, Source.API)))
    [row] = rows()
    assert row.finish_reason is FinishReason.ERROR and row.usage.completion_tokens == 1
    assert row.error is not None and (row.error.template, dict(row.error.params)) == ("The model {model} stopped.", {"model": "glm"})


def test_an_answer_that_its_reader_leaves_is_cancelled_and_recorded(
    gateway: Gateway, router: FakeRouter, ana: User, rows: Callable[[], list[Generation]]
) -> None:
    events = gateway.recorded(gateway.answer(ana, ASKED, Source.API))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert router.generations[0].cancelled.is_set()
    [row] = rows()
    assert row.finish_reason is FinishReason.CANCELLED and row.error is None


def test_an_answer_without_an_end_fails_in_words(
    gateway: Gateway, router: FakeRouter, ana: User, rows: Callable[[], list[Generation]]
) -> None:
    router.next_answers.put([Delta("Half", tokens=1)])
    with pytest.raises(Unavailable, match="stopped before the answer was complete"):
        list(gateway.recorded(gateway.answer(ana, ASKED, Source.CHAT)))
    assert str(rows()[0].error) == GONE


def test_the_caller_of_a_chat_writes_the_row_itself(gateway: Gateway, ana: User, rows: Callable[[], list[Generation]]) -> None:
    running: Answer = gateway.answer(ana, ASKED, Source.CHAT)
    list(running.events())
    assert rows() == []
    row = running.row(conversation_id="c", message_id="m", thinking_s=2.0)
    assert (row.conversation_id, row.message_id, row.timings.thinking_s) == ("c", "m", 2.0)


def test_vectors_are_recorded_by_what_they_were_for(
    gateway: Gateway, router: FakeRouter, ana: User, rows: Callable[[], list[Generation]]
) -> None:
    gateway.embed(ana, EmbeddingRequest(("a",), "ana")).result()
    gateway.rerank(ana, RerankRequest("q", ("a",), "ana")).result()
    router.vector_error = ModelFailed("The model stopped.")
    with pytest.raises(ModelFailed):
        gateway.embed(ana, EmbeddingRequest(("a",), "ana")).result()
    assert [(row.source, row.finish_reason) for row in rows()] == [
        (Source.EMBEDDING, FinishReason.STOP),
        (Source.RERANK, FinishReason.STOP),
        (Source.EMBEDDING, FinishReason.ERROR),
    ]


def test_whoever_may_not_chat_reaches_no_model(gateway: Gateway, router: FakeRouter, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROLES, Role.ANALYST, frozenset())
    for ask in (
        lambda: gateway.answer(ana, ASKED, Source.API),
        lambda: gateway.embed(ana, EmbeddingRequest(("a",), "ana")),
        lambda: gateway.rerank(ana, RerankRequest("q", ("a",), "ana")),
    ):
        with pytest.raises(NotAllowed):
            ask()
    assert router.requests == [] and router.vector_requests == []


def test_another_platform_is_offered_that_the_person_may_use(
    gateway: Gateway, router: FakeRouter, ana: User, unit_of_work: UnitOfWorkFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "targets", lambda request: ("glm@a", "secret@b") if request.model else ("glm@a", "small@local"))
    assert gateway.next_target(ana, "glm@a") == "secret@b"
    with unit_of_work() as work:
        work.offers.put_rule(AccessRule(model="secret", roles=frozenset({"admin"})))
        work.commit()
    assert gateway.next_target(ana, "glm@a") == "small@local"
    monkeypatch.setattr(router, "targets", lambda request: ("glm@a",))
    assert gateway.next_target(ana, "glm@a") is None


def test_a_full_model_refuses_a_question_before_the_database_is_read(
    unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, ana: User
) -> None:
    opened: list[int] = []

    def counted() -> UnitOfWork:
        opened.append(1)
        return unit_of_work()

    gateway = Gateway(counted, router, clock)
    router.full = Busy("The model is busy.", retry_after=3)
    with pytest.raises(Busy):
        gateway.answer(ana, ASKED, Source.API)
    assert not opened and not router.requests
    router.full = None
    gateway.answer(ana, ASKED, Source.API)
    assert opened and router.requests
