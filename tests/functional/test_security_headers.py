"""The security headers of a portal process, and the requests that it refuses."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from api.middleware.front_door import STRANGERS_SHARE
from api.middleware.security_headers import STREAMLIT_INLINE_SCRIPT
from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from cli.serving.connection_limits import DESCRIPTORS_A_CONNECTION
from core.people.sessions import SESSION_COOKIE
from settings import Settings

HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}  # fmt: skip


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal(PORTAL_ALLOWED_HOSTS="portal.example") as running:
        yield running


@pytest.mark.parametrize(
    "path",
    ["/", "/usage", "/favicon.png", "/app/static/follow.js", "/app/static/none.js", "/_stcore/health", "/_stcore/host-config",
     "/media/none", "/component/none/x", "/v1/models", "/v1/none", "/api/v1/openapi.json", "/healthz", "/metrics", "/%00",
     "/..%2f..%2fsettings.py"],
)  # fmt: skip
def test_every_response_carries_the_headers(portal: Measured, path: str) -> None:
    headers = httpx.get(portal.url + path, timeout=60).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_one_inline_script_of_streamlit_is_the_one_that_may_run(portal: Measured) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", httpx.get(portal.url, timeout=60).text, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert hashes == [STREAMLIT_INLINE_SCRIPT]


def test_nobody_may_frame_the_pages_and_send_them_messages(portal: Measured) -> None:
    assert httpx.get(f"{portal.url}/_stcore/host-config", timeout=60).json()["allowedOrigins"] == []


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/session", "/_stcore/host-config"])
def test_another_name_is_not_answered(portal: Measured, path: str) -> None:
    assert httpx.get(portal.url + path, headers={"Host": "evil.example", "Origin": "http://evil.example"}, timeout=60).status_code == 421
    assert httpx.get(portal.url + path, headers={"Host": "portal.example"}, timeout=60).status_code in (200, 401)


def test_a_sign_in_under_another_name_is_refused_with_a_sentence(portal: Measured) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    answer = httpx.post(f"{portal.url}/api/v1/session", headers=headers, json={"username": "admin", "password": "x"}, timeout=60)
    assert answer.status_code == 421 and "PORTAL_ALLOWED_HOSTS" in answer.json()["error"]["message"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Host": "portal.example:80", "Origin": "http://portal.example"}, 101),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
    ],
)
def test_only_a_page_of_the_portal_opens_a_websocket(portal: Measured, headers: dict[str, str], status: int) -> None:
    with httpx.stream("GET", f"{portal.url}/_stcore/stream", headers={**HANDSHAKE, **headers}, timeout=60) as answer:
        assert answer.status_code == status


def test_one_address_opens_only_so_many_pages_without_a_session(portal: Measured) -> None:
    most = Settings().connections_per_address // STRANGERS_SHARE
    files = Path(f"/proc/{portal.process.pid}/fd")
    before = len(list(files.iterdir()))
    with ExitStack() as opened, httpx.Client(limits=httpx.Limits(max_connections=None), timeout=60) as client:
        seen = []
        for _ in range(most + 5):
            seen.append(opened.enter_context(client.stream("GET", f"{portal.url}/_stcore/stream", headers=HANDSHAKE)).status_code)
        assert seen == [101] * most + [403] * 5
        # Someone with a session still gets in.
        with portal.sign_in() as admin:
            cookie = {"Cookie": f"{SESSION_COOKIE}={admin.headers['Authorization'].removeprefix('Bearer ')}"}
            with client.stream("GET", f"{portal.url}/_stcore/stream", headers=HANDSHAKE | cookie) as answer:
                assert answer.status_code == 101
        assert len(list(files.iterdir())) - before <= DESCRIPTORS_A_CONNECTION * (most + 2)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://portal.example", "portal.example:80"),
        ("https://portal.example", "portal.example:443"),
        ("http://portal.example:80", "portal.example"),
    ],
)
def test_a_person_signs_in_behind_a_proxy_that_adds_the_usual_port(portal: Measured, origin: str, host: str) -> None:
    headers = {"Host": host, "Origin": origin}
    answer = httpx.post(f"{portal.url}/api/v1/session", headers=headers, json={"username": "admin", "password": PASSWORD}, timeout=60)
    assert answer.status_code == 200
