"""Texts that were embedded before are not embedded again."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from core.errors import InvalidInput, ModelFailed
from core.inference.caching.embedding_cache import KEPT_DAYS, EmbeddingCache, key_of, shares
from core.inference.gateway import Gateway
from core.inference.records import Timings, Usage
from core.inference.vectors import Embedded, Embedder, EmbeddingRequest
from core.people.records import User
from core.tasks.records import Job
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, FakeVectors
from tests.unit.core.conftest import MovingClock

ROOM = 64 * 1024


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def cache(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> EmbeddingCache:
    return EmbeddingCache(unit_of_work, clock, ROOM)


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, cache: EmbeddingCache) -> Gateway:
    return Gateway(unit_of_work, router, clock, cache=cache)


def embed(gateway: Gateway, user: User, *texts: str | tuple[int, ...], **asked: object) -> Embedded:
    return gateway.embed(user, EmbeddingRequest(texts, user.id, **asked)).result()  # type: ignore[arg-type]


def computed(router: FakeRouter) -> list[tuple[object, ...]]:
    return [request.inputs for request in router.vector_requests if isinstance(request, EmbeddingRequest)]


def test_only_what_is_not_known_is_computed(gateway: Gateway, router: FakeRouter, cache: EmbeddingCache, ana: User) -> None:
    first = embed(gateway, ana, "one", "three")
    second = embed(gateway, ana, "three", "seventh", "one", "three")
    again = gateway.embed(ana, EmbeddingRequest(("one",), ana.id))
    third = again.result()
    assert computed(router) == [("one", "three"), ("seventh",)]
    assert [row.tolist() for row in second.rows] == [[5.0, 1.0], [7.0, 1.0], [3.0, 1.0], [5.0, 1.0]]
    assert third.rows == first.rows[:1] and again.model == FakeVectors.model
    assert (third.usage.prompt_tokens, third.usage.cached_tokens) == (1, 1)
    assert cache.counted() == (7, 4)
    figures = cache.stats()
    assert figures.stored == 3 and 0 < figures.bytes < figures.most_bytes == ROOM


def test_another_version_or_cut_is_another_vector(gateway: Gateway, router: FakeRouter, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(gateway, ana, "one")
    embed(gateway, ana, "one", dimensions=1)
    embed(gateway, ana, "one", truncate=True)
    embed(gateway, ana, (1, 2))
    monkeypatch.setattr(FakeVectors, "model_version", "v2")
    embed(gateway, ana, "one")
    assert len(computed(router)) == 5


def test_vectors_of_two_models_are_never_mixed(gateway: Gateway, router: FakeRouter, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(gateway, ana, "one")
    old = Embedder(model=FakeVectors.model, version=FakeVectors.model_version, platform="local")
    monkeypatch.setattr(router, "embedder", lambda _: old)
    monkeypatch.setattr(FakeVectors, "model_version", "another took over")
    done = embed(gateway, ana, "one", "seventh")
    assert computed(router)[-2:] == [("seventh",), ("one", "seventh")] and len(done.rows) == 2


def test_an_error_names_the_input_by_its_own_position(gateway: Gateway, router: FakeRouter, ana: User) -> None:
    embed(gateway, ana, "one")
    router.refuse += [InvalidInput("{field} is too large.", field="input.0"), InvalidInput("{field} is too large.", field="input.1")]
    with pytest.raises(InvalidInput, match=r"input\.1"):
        embed(gateway, ana, "one", "long")


def test_what_failed_is_not_kept(gateway: Gateway, router: FakeRouter, cache: EmbeddingCache, ana: User) -> None:
    router.vector_error = ModelFailed("The model stopped.")
    with pytest.raises(ModelFailed):
        embed(gateway, ana, "one")
    assert cache.stats().stored == 0


def test_the_room_is_kept_and_the_longest_unused_go_first(cache: EmbeddingCache, clock: MovingClock, ana: User) -> None:
    row = array("f", [0.5] * 1_000)

    def request(number: int) -> EmbeddingRequest:
        return EmbeddingRequest((f"text {number}",), ana.id)

    for number in range(40):
        clock.forward(hours=2)
        cache.keep("v1", request(number), Embedded((row,), Usage(prompt_tokens=3), Timings()))
        assert cache.find("v1", request(0)), "what is used stays"
    figures = cache.stats()
    assert figures.bytes <= ROOM * 1.1 and figures.stored > 5
    assert not cache.find("v1", request(5)) and cache.find("v1", request(39))


def test_a_request_larger_than_the_room_is_not_kept(cache: EmbeddingCache, ana: User) -> None:
    row = array("f", [0.5] * ROOM)
    cache.keep("v1", EmbeddingRequest(("x",), ana.id), Embedded((row,), Usage(prompt_tokens=1), Timings()))
    assert cache.stats().stored == 0


def test_old_vectors_are_removed_daily_and_all_of_them_if_the_cache_is_off(
    cache: EmbeddingCache, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User
) -> None:
    def keep(text: str) -> None:
        done = Embedded((array("f", [1.0]),), Usage(prompt_tokens=1), Timings())
        cache.keep("v1", EmbeddingRequest((text,), ana.id), done)

    [kind] = cache.job_kinds()
    job = Job("j", kind.name, clock(), clock(), payload={})
    keep("old")
    clock.forward(days=KEPT_DAYS, seconds=1)
    keep("new")
    assert kind.run(job, None) == {"removed": 1}  # type: ignore[arg-type]
    off = EmbeddingCache(unit_of_work, clock, 0)
    assert off.job_kinds()[0].run(job, None) == {"removed": 1}  # type: ignore[arg-type]


def test_a_key_says_nothing_twice(ana: User) -> None:
    request = EmbeddingRequest(("1,2", (1, 2)), ana.id)
    keys = {key_of("v1", each, one) for each in (request, replace(request, dimensions=5)) for one in request.inputs}
    assert len(keys) == 4


def test_tokens_are_shared_out_so_that_they_add_up() -> None:
    assert shares(10, [1, 1, 1]) == [3, 4, 3]
    assert sum(shares(7, [0, 5, 9])) == 7
    assert shares(2, [0]) == [2]
