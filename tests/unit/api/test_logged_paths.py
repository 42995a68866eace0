"""No line of the log has what people wrote into a path."""

from __future__ import annotations

import logging
import re
import time

import httpx
import pytest

from api.logged_paths import UNKNOWN, LoggedPaths
from tests.unit.api.test_permissions import ROUTES

WORDS = "Rates of poor answers"
ID = "0123456789abcdef0123456789abcdef"
PATHS = sorted({path.partition("?")[0] for _, path, *_ in ROUTES})
_PARAMETER = re.compile(r"\{\w+\}")


def test_the_path_of_every_route_is_logged_without_words(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method, path, body, *_ in ROUTES:
        client.request(method, _PARAMETER.sub(WORDS, path), json=body)
    client.get(f"/api/v1/{WORDS}")
    client.get(f"/v1/models/{WORDS}/")

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "api.middleware.request_ids"]

    until = time.monotonic() + 60
    while len(lines()) < len(ROUTES) + 2:  # A line is written after its answer was sent.
        assert time.monotonic() < until
        time.sleep(0.01)
    # The test's own client logs what it sends.
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert [each for each in ours if "Rates" in each or "poor" in each] == []
    for method, path, *_ in ROUTES:
        assert any(each.startswith(f"{method} {path.partition('?')[0]} answered") for each in lines()), (method, path)
    assert lines()[-2].startswith(f"GET {UNKNOWN} answered 404") and lines()[-1].startswith("GET /v1/models/{name} answered 401")


def test_ids_are_logged() -> None:
    logged = LoggedPaths(PATHS)
    for path in PATHS:
        assert logged.of({"path": _PARAMETER.sub(ID, path)}) == re.sub(r"\{(\w+_id|number)\}", ID, path)


def test_numbers_and_the_methods_that_user_servers_call_are_logged() -> None:
    paths = LoggedPaths(["/api/v1/cases/{number}", "/internal/v1/call/{service}/{name}", "/v1/models/{name:path}"])
    assert paths.of({"path": "/api/v1/cases/12"}) == "/api/v1/cases/12"
    assert paths.of({"path": "/api/v1/cases/13800138000x"}) == "/api/v1/cases/{number}"
    assert paths.of({"path": "/internal/v1/call/turns/start"}) == "/internal/v1/call/turns/start"
    assert paths.of({"path": f"/internal/v1/call/turns/{WORDS}"}) == "/internal/v1/call/turns/{name}"
    assert paths.of({"path": "/v1/models/desk/Ann's preset"}) == "/v1/models/{name}"
