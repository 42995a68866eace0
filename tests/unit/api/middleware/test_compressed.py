from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.middleware.compressed import CompressedScripts

SCRIPT = b"export const answer = 42;\n" * 200


class Pages:
    """Counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = Request(scope).url.path
        self.asked.append(path)
        found = {"/static/js/a.js": SCRIPT, "/static/js/small.js": b"1", "/page.js": SCRIPT}.get(path)
        headers = {"etag": '"x"', "accept-ranges": "bytes", "cache-control": "immutable"}
        answer = Response(found, 200, headers, "text/javascript") if found else Response("no", 404)
        await answer(scope, receive, send)


async def get(app: ASGIApp, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal") as client:
        return await client.get(path, headers={"accept-encoding": "gzip", **headers})


@pytest.fixture
def pages() -> Pages:
    return Pages()


async def two(app: ASGIApp) -> tuple[httpx.Response, httpx.Response]:
    return await get(app, "/static/js/a.js"), await get(app, "/static/js/a.js")


def test_a_script_is_compressed_once_and_reads_the_same(pages: Pages) -> None:
    first, second = asyncio.run(two(CompressedScripts(pages)))
    for answer in (first, second):
        assert answer.content == SCRIPT and answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT, 6)) < len(SCRIPT) / 5
        assert answer.headers["cache-control"] == "immutable" and "accept-ranges" not in answer.headers
    assert pages.asked == ["/static/js/a.js"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {"accept-encoding": "identity"}),
        ("/static/js/a.js", {"range": "bytes=0-9"}),
        ("/static/js/small.js", {}),
        ("/static/js/none.js", {}),
        ("/page.js", {}),
    ],
)
def test_everything_else_comes_as_it_was_sent(pages: Pages, path: str, headers: dict[str, str]) -> None:
    answer = asyncio.run(get(CompressedScripts(pages), path, **headers))
    assert "content-encoding" not in answer.headers
    assert answer.status_code == (404 if "none" in path else 200)
