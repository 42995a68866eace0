"""Who may send files to a page."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from api.middleware.bodies.upload_guard import PATH, UploadGuard
from core.errors import PortalError, ServerUnreachable


@pytest.mark.parametrize(("found", "status"), [("ann", 204), (None, 401), (ServerUnreachable(), 503)])
def test_a_file_is_taken_from_people_who_are_signed_in(found: str | PortalError | None, status: int) -> None:
    sent: list[int] = []

    def user(_token: str) -> str | None:
        if isinstance(found, PortalError):
            raise found
        return found

    async def application(scope: object, receive: object, send) -> None:  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            sent.append(int(str(message["status"])))

    portal = SimpleNamespace(sessions=SimpleNamespace(user=user), files=SimpleNamespace(max_bytes=1000))
    guard = UploadGuard(application, lambda: portal)  # type: ignore[arg-type]
    headers = [(b"cookie", b"glm_portal_session=x"), (b"content-length", b"0")]
    scope = {"type": "http", "method": "PUT", "path": f"{PATH}a/b", "headers": headers, "query_string": b""}
    asyncio.run(guard(scope, receive, send))  # type: ignore[arg-type]
    assert sent == [status]
