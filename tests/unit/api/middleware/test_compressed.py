from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        headers = {"etag": '"x"', "accept-ranges": "bytes", "cache-control": "immutable", "last-modified": "Sun, 29 Nov 2026 04:52:39 GMT"}
        answer = Response(found, 200, headers, "text/javascript") if found else Response("no", 404)
        if found and "range" in Request(scope).headers:
            answer = Response(found[-10:], 206, headers, "text/javascript")
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
        ("/static/js/small.js", {}),
        ("/static/js/none.js", {}),
        ("/page.js", {}),
    ],
)
def test_everything_else_comes_as_it_was_sent(pages: Pages, path: str, headers: dict[str, str]) -> None:
    answer = asyncio.run(get(CompressedScripts(pages), path, **headers))
    assert "content-encoding" not in answer.headers
    assert answer.status_code == (404 if "none" in path else 200)


def test_a_browser_never_joins_parts_of_two_encodings(pages: Pages) -> None:
    first = asyncio.run(get(CompressedScripts(pages), "/static/js/a.js"))
    assert "last-modified" not in first.headers and first.headers["etag"].startswith("W/"), "nothing to resume a download by"
    for validator in ({}, {"if-range": "Sun, 29 Nov 2026 04:52:39 GMT"}):
        rest = asyncio.run(get(CompressedScripts(pages), "/static/js/a.js", range="bytes=9-", **validator))
        assert rest.status_code == 200 and rest.content == SCRIPT and rest.headers["content-encoding"] == "gzip"


def test_a_browser_that_leaves_while_a_file_is_read_leaves_nothing_incomplete(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    script = b"export const answer = 42;\n" * 100_000
    (tmp_path / "static" / "a.js").write_bytes(script)
    files, begun = StaticFiles(directory=tmp_path), asyncio.Event()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            await send(message)
            if message.get("body"):
                begun.set()

        await files(scope, receive, sent)

    app = CompressedScripts(watched)
    scope = {"type": "http", "method": "GET", "path": "/static/a.js", "headers": [(b"accept-encoding", b"gzip")]}

    async def gone() -> Message:
        await begun.wait()
        return {"type": "http.disconnect"}

    async def nowhere(message: Message) -> None:
        pass

    async def leave_and_come_back() -> httpx.Response:
        await app(scope, gone, nowhere)
        return await get(app, "/static/a.js")

    answer = asyncio.run(leave_and_come_back())
    assert answer.headers["content-encoding"] == "gzip" and answer.content == script
