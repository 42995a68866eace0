from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from api.middleware.front_door import FrontDoor
from core.errors import PortalError, ServerUnreachable, Unavailable

TOKEN = "a token of sixteen or more"


class Answer:
    """What came back: who answered, the status, the headers, and what the application saw as Host."""

    def __init__(self) -> None:
        self.by = ""
        self.host = ""
        self.status = 0
        self.body = b""
        self.headers: dict[str, str] = {}


def ask(
    path: str = "/", kind: str = "http", method: str = "GET", client: str = "127.0.0.1", *, reached: str = "127.0.0.1",
    hosts: tuple[str, ...] = (), token: str = "", signed_in: bool | PortalError = False, **headers: str,
) -> Answer:  # fmt: skip
    answer = Answer()
    settings = SimpleNamespace(own_hosts=hosts, metrics_token=token, connections_per_address=16)

    def user(_token: str) -> str | None:
        if isinstance(signed_in, PortalError):
            raise signed_in
        return "ann" if signed_in else None

    sessions = SimpleNamespace(user=user)

    def application(name: str):
        async def called(scope, receive, send) -> None:
            answer.by = name
            if kind == "lifespan":
                return
            answer.host = dict(scope["headers"]).get(b"host", b"").decode()
            start = {"http": "http.response.start", "websocket": "websocket.accept"}[kind]
            await send({"type": start, "status": 200, "headers": [(b"Referrer-Policy", b"unsafe-url")]})

        return called

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            for name, value in message["headers"]:
                assert name.decode() not in answer.headers
                answer.headers[name.decode()] = value.decode()
        elif message["type"] == "http.response.body":
            answer.body += message["body"]
        elif message["type"] == "websocket.close":
            answer.status = 403

    async def receive():
        return {"type": "websocket.connect"}

    channel = FrontDoor(application("pages"), application("api"), lambda: SimpleNamespace(settings=settings, sessions=sessions))
    asyncio.run(channel(_scope(path, kind, method, client, reached, headers), receive, send))
    return answer


def _scope(path: str, kind: str, method: str, client: str, reached: str, headers: Mapping[str, str]) -> dict[str, object]:
    headers = {"host": "localhost:8501"} | {name.replace("_", "-"): value for name, value in headers.items()}
    written = [(name.lower().encode(), value.encode()) for name, value in headers.items() if value]
    return {
        "type": kind, "path": path, "method": method, "headers": written, "client": (client, 4000), "server": (reached, 8501),
        "query_string": b"",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/models", "/v1/", "/api", "/api/v1/session", "/api/no", "/health", "/healthz", "/readyz", "/metrics"]
)
def test_rest_paths_go_to_the_api(path: str) -> None:
    assert ask(path).by == "api"


@pytest.mark.parametrize("path", ["/", "/chat", "/v10", "/apiary", "/healthz/", "/metricsx", "/_stcore/health", "/V1/models", ""])
def test_everything_else_goes_to_the_pages(path: str) -> None:
    assert ask(path).by == "pages"


def test_a_websocket_goes_to_the_pages_and_below_api_to_the_api() -> None:
    assert ask("/_stcore/stream", "websocket").by == "pages"
    assert ask("/api/v1/stream", "websocket").by == "api"


@pytest.mark.parametrize("problem", [ServerUnreachable(), Unavailable("The database does not answer.")])
def test_a_websocket_is_open_while_sessions_cannot_be_looked_up(problem: PortalError) -> None:
    """Its page then says so. Refused, it would show an empty frame, and the browser would try for ever."""
    assert ask("/_stcore/stream", "websocket", cookie="glm_portal_session=x", signed_in=problem).by == "pages"


def test_the_start_and_stop_of_the_server_are_told_to_the_pages() -> None:
    assert ask(kind="lifespan").by == "pages"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8501", "127.8.8.8", "[::1]:8501", "localhost.", ""])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_loopback_names_are_the_portals_own(host: str, kind: str) -> None:
    assert ask(kind=kind, host=host).by == "pages"


@pytest.mark.parametrize("host", ["portal.example", "Portal.Example:443", "a.b.dept.example"])
def test_so_are_those_of_the_settings(host: str) -> None:
    hosts = ("portal.example", "*.dept.example")
    assert ask(host=host, hosts=hosts).by == "pages"
    assert ask(host=host).by == ""


def test_so_is_the_address_that_was_reached() -> None:
    assert ask(host="10.2.3.4:8501", reached="10.2.3.4").by == "pages"
    assert ask(host="10.2.3.4:8501", reached="::ffff:10.2.3.4").by == "pages"
    assert ask(host="10.2.3.5:8501", reached="10.2.3.4").by == ""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "dept.example.evil", "xdept.example", "dept.example", "a b",
     "localhost:8501:1", "localhost@evil.example", "user@localhost", "[::1", "localhost:99999999", "é.example", "127.0.0.1/"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/v1/session", "/v1/models", "/healthz", "/_stcore/stream"])
def test_another_name_is_refused_everywhere(host: str, path: str) -> None:
    # With a matching Origin: this is what DNS rebinding looks like.
    answer = ask(path, host=host, origin=f"http://{host}", hosts=("*.dept.example",))
    assert (answer.by, answer.status) == ("", 421)
    assert "evil" not in answer.headers["content-security-policy"]
    assert ask(path, "websocket", host=host, origin=f"http://{host}", hosts=("*.dept.example",)).status == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://evil.example", "null", "http://", "http://[", "x"])
def test_a_page_of_another_origin_opens_no_websocket_and_changes_nothing(origin: str) -> None:
    assert ask("/_stcore/stream", "websocket", origin=origin).status == 403
    assert ask("/_stcore/upload_file/a/b", method="PUT", origin=origin).status == 403
    assert ask("/_stcore/upload_file/a/b", method="PUT", sec_fetch_site="same-site").status == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://portal.example", "portal.example:80"),
        ("http://portal.example:80", "portal.example"),
        ("https://portal.example", "portal.example:443"),
        ("https://Portal.example:443", "PORTAL.example"),
        ("https://portal.example:8443", "portal.example:8443"),
    ],
)
def test_the_usual_port_may_stand_on_either_side(origin: str, host: str) -> None:
    assert ask("/_stcore/upload_file/a/b", method="PUT", origin=origin, host=host, hosts=("portal.example",)).by == "pages"
    answer = ask("/_stcore/stream", "websocket", origin=origin, host=host, hosts=("portal.example",))
    assert answer.by == "pages"
    assert answer.host == origin.lower().removeprefix("https://").removeprefix("http://"), "Streamlit compares letter by letter"


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics", "/_stcore/agent/openapi.json"])
def test_measurements_are_for_this_machine_or_for_the_token(path: str) -> None:
    here = {"reached": "10.2.3.4", "host": "10.2.3.4"}
    assert ask(path).by and ask(path, client="::1").by and ask(path, client="::ffff:127.0.0.1").by
    assert ask(path, client="10.9.9.9", **here).status == 403
    assert ask(path, client="10.9.9.9", token=TOKEN, **here).status == 401
    assert ask(path, client="10.9.9.9", token=TOKEN, authorization=f"Bearer {TOKEN}x", **here).status == 401
    assert ask(path, client="10.9.9.9", token=TOKEN, authorization=f"Bearer {TOKEN}", **here).by
    assert ask(path, client="10.9.9.9", authorization="Bearer ", **here).status == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_hands_on_is_not_from_this_machine(header: str) -> None:
    assert ask("/metrics", **{header: "127.0.0.1"}).status == 403


@pytest.mark.parametrize("path", ["/", "/chat", "/v1/models", "/api/v1/session", "/healthz", "/media/a.svg", "/app/static/follow.js"])
def test_every_response_tells_the_browser_what_to_refuse(path: str) -> None:
    for answer in (ask(path), ask(path, host="evil.example")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "http:" not in policy and "*" not in policy and "unsafe-eval" not in policy


def test_only_pages_may_run_scripts_and_only_their_own() -> None:
    policy = ask("/").headers["content-security-policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["img-src"] == "'self' data: blob:"
    assert parts["connect-src"] == "'self' ws://localhost:8501 wss://localhost:8501"
    assert parts["form-action"] == "'self'"
    assert "unsafe-inline" not in parts["script-src"]
    for path in ("/api/v1/files/1/content", "/media/a.svg", "/v1/models"):
        policy = ask(path).headers["content-security-policy"]
        assert "script-src" not in policy and policy.endswith("sandbox")


def test_one_address_may_open_only_so_many_pages_without_a_session() -> None:
    settings = SimpleNamespace(own_hosts=(), metrics_token="", connections_per_address=16)
    sessions = SimpleNamespace(user=lambda token: "ann" if token == "ann's" else None)
    opened = 0
    leave = asyncio.Event()

    async def page(scope, receive, send) -> None:
        nonlocal opened
        opened += 1
        await leave.wait()

    closed = 0

    async def send(message) -> None:
        nonlocal closed
        closed += message["type"] == "websocket.close"

    async def receive():
        return {"type": "websocket.connect"}

    channel = FrontDoor(page, page, lambda: SimpleNamespace(settings=settings, sessions=sessions))

    async def everybody() -> tuple[int, int]:
        def visit(client: str, **headers: str) -> asyncio.Task[None]:
            scope = _scope("/_stcore/stream", "websocket", "GET", client, "127.0.0.1", headers)
            return asyncio.create_task(channel(scope, receive, send))

        tasks = [visit("10.0.0.1") for _ in range(7)]
        tasks += [visit(f"2001:db8::{number}") for number in range(6)]
        tasks += [visit("10.0.0.1", cookie="glm_portal_session=ann's") for _ in range(5)]
        tasks += [visit("10.0.0.2")]
        while opened + closed < len(tasks):
            await asyncio.sleep(0.005)
        seen = opened, closed
        leave.set()
        await asyncio.gather(*tasks)
        await visit("10.0.0.1")
        return seen

    assert asyncio.run(everybody()) == (4 + 4 + 5 + 1, 3 + 2)
    assert (opened, closed) == (15, 5), "who leaves makes room"


@pytest.mark.parametrize(
    ("path", "base", "right"),
    [
        ("/chat/completions", "http://localhost:8501/v1", "/v1/chat/completions"),
        ("/embeddings/", "http://localhost:8501/v1", "/v1/embeddings"),
        ("/v1/v1/responses/resp_1/cancel", "http://localhost:8501/v1", "/v1/responses/resp_1/cancel"),
        ("/openai/v1/completions", "http://localhost:8501/v1", "/v1/completions"),
        ("/v1/chat/completions/chat/completions", "http://localhost:8501/v1", "/v1/chat/completions"),
        ("/v1/v1/messages", "http://localhost:8501", "/v1/messages"),
        ("/messages/count_tokens", "http://localhost:8501", "/v1/messages/count_tokens"),
    ],
)
def test_a_program_with_a_wrong_base_address_reads_the_right_one(path: str, base: str, right: str) -> None:
    answer = ask(path, method="POST")
    assert (answer.by, answer.status) == ("", 404)
    error = json.loads(answer.body)["error"]
    assert f"base address to {base}, so that the request goes to {right}." in error["message"]
    assert error.keys() == ({"type", "message"} if "/messages" in path else {"message", "type", "code", "param"})


@pytest.mark.parametrize("headers", [{"authorization": "Bearer x"}, {"x_api_key": "x"}])
def test_a_program_that_lists_models_without_v1_reads_it_too(headers: dict[str, str]) -> None:
    assert ask("/models", **headers).status == 404
    assert ask("/v1/models", **headers).by == "api"


@pytest.mark.parametrize(
    "path", ["/v1/messages/count_tokens", "/v1/responses/resp_1/cancel", "/v1/models/openai", "/api/v1/files", "/chatter/completions"]
)
def test_right_paths_and_unknown_ones_are_not_taken_for_wrong_base_addresses(path: str) -> None:
    assert ask(path, method="POST").by


def test_a_browser_still_opens_the_page_called_models() -> None:
    assert ask("/models").by == "pages"


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/people/ann", "/people"), ("/nonsense/deep/er", "/nonsense"), ("/%E8%B4%A6/x", "/%E8%B4%A6"), ("/chat", "/"), ("/chat/x", "/"),
        ("//evil.example/x", "/evil.example"), ("/a\r\nb/x", "/a%0D%0Ab"),
    ],
)  # fmt: skip
def test_an_address_below_a_page_leads_to_the_page(path: str, to: str) -> None:
    opened = ask(unquote(path), accept="text/html,*/*")
    assert (opened.by, opened.status, opened.headers["location"]) == ("", 307, to)


@pytest.mark.parametrize("path", ["/", "/people", "/static/js/index.js", "/media/1/a.png", "/people/_stcore/health", "/v1/models/x"])
def test_other_addresses_are_passed_on(path: str) -> None:
    assert ask(path, accept="text/html").by
    assert ask("/people/ann", accept="*/*").by, "a program sees what it asked for"
    assert ask("/people/ann", method="POST", accept="text/html").by
