from __future__ import annotations

import asyncio

import pytest

from api.middleware.dispatch import ApiDispatch


def _answers(path: str, kind: str = "http") -> str:
    seen: list[str] = []

    def app(name: str):
        async def answer(scope, receive, send) -> None:
            seen.append(name)

        return answer

    asyncio.run(ApiDispatch(app("pages"), app("api"))({"type": kind, "path": path}, None, None))
    return seen[0]


@pytest.mark.parametrize("path", ["/v1", "/v1/models", "/v1/", "/api", "/api/v1/session", "/api/no", "/healthz", "/readyz", "/metrics"])
def test_rest_paths_go_to_the_api(path: str) -> None:
    assert _answers(path) == "api"


@pytest.mark.parametrize("path", ["/", "/chat", "/v10", "/apiary", "/healthz/", "/metricsx", "/_stcore/health", "/V1/models", ""])
def test_everything_else_goes_to_the_pages(path: str) -> None:
    assert _answers(path) == "pages"


def test_a_websocket_goes_to_the_pages_and_below_api_to_the_api() -> None:
    assert _answers("/_stcore/stream", "websocket") == "pages"
    assert _answers("/api/v1/stream", "websocket") == "api"


def test_the_start_and_stop_of_the_server_are_told_to_the_pages() -> None:
    seen: list[str] = []

    async def pages(scope, receive, send) -> None:
        seen.append(scope["type"])

    asyncio.run(ApiDispatch(pages, pages)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
