"""Every answer is one that the OpenAPI description names: 1,000 requests made from it, four an operation, valid and invalid ones.

`./portal bench contract` sends 10,000 to a portal with a real model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from bench.portal_parts.contract import Outcome, check, describe
from bench.portal_parts.contract_things import contract_things
from core.errors import Unavailable
from samples.fakes import FakePool, FakeRouter
from tests.unit.api.conftest import Server, client_of, open_portal

REQUESTS = 1_000


@pytest.fixture(scope="module")
def pool() -> FakePool:
    return FakePool()


@pytest.fixture(scope="module")
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture(scope="module")
def address(
    server: Server, empty_home: Path, tmp_path_factory: pytest.TempPathFactory, pool: FakePool, router: FakeRouter
) -> Iterator[str]:
    portal = open_portal(empty_home, tmp_path_factory.mktemp("contract") / "home", router, pool)
    server.portal = portal
    yield server.address
    portal.close()


@pytest.fixture(scope="module")
def ada(address: str) -> Iterator[httpx.Client]:
    with closing(client_of(address, "ada")) as client:
        yield client


@pytest.fixture(scope="module")
def known(ada: httpx.Client) -> dict[str, str]:
    """Return what exists, so that requests also reach what lies behind a 404."""
    return {**contract_things(ada), "name": "ann"}


def _check(address: str, description: dict[str, Any], known: dict[str, str], count: int) -> Outcome:
    with closing(client_of(address, "ada")) as one, closing(client_of(address, "ada")) as other:
        tokens = [client.headers["Authorization"].removeprefix("Bearer ") for client in (one, other)]
    return check(address, description, (tokens[0], tokens[1]), known, count)


def test_every_answer_is_described(address: str, known: dict[str, str]) -> None:
    outcome = _check(address, describe(address), known, REQUESTS)
    print(f"{outcome.sent} requests in {outcome.seconds:.0f} s: {dict(outcome.statuses)}; slowest {outcome.slowest}")
    assert outcome.faults == {}
    assert outcome.sent > 0.6 * REQUESTS  # Each operation is asked equally often, a whole number of times.
    assert outcome.statuses[200] > REQUESTS / 10 and not outcome.statuses[500]


def test_that_something_is_away_is_described_everywhere(address: str) -> None:
    for path, operations in describe(address)["paths"].items():
        if path.startswith(("/v1", "/api/v1")):
            for method, operation in operations.items():
                assert "503" in operation["responses"], f"{method} {path}"


def test_an_answer_that_is_not_described_is_found(address: str, known: dict[str, str]) -> None:
    description = describe(address)
    one = {"/api/v1/session": {"get": description["paths"]["/api/v1/session"]["get"]}}
    described = one["/api/v1/session"]["get"]["responses"]
    described["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    assert list(_check(address, {**description, "paths": one}, known, 4).faults) == ["GET /api/v1/session: Response violates schema"]
    described["203"] = described.pop("200")
    assert list(_check(address, {**description, "paths": one}, known, 4).faults) == ["GET /api/v1/session: Undocumented status code"]


def test_an_answer_while_no_model_is_loaded_is_described(
    address: str, known: dict[str, str], pool: FakePool, router: FakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_asked: object) -> NoReturn:
        raise Unavailable("No model is loaded. An admin can load one on the Models page.")

    monkeypatch.setattr(pool, "models", [])
    for name in ("start", "embed", "rerank", "prompt_tokens", "pieces"):
        monkeypatch.setattr(router, name, away)
    description = describe(address)
    asked = (
        *("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/tokenize", "/v1/detokenize"),
        *("/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings", "/v1/rerank", "/readyz"),
    )
    outcome = _check(address, {**description, "paths": {path: description["paths"][path] for path in asked}}, known, 60)
    assert outcome.faults == {} and outcome.statuses[503] > 0
