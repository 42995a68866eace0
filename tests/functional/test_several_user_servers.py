"""Two user servers and an admin server behind nginx with the site of deploy/servers: what people keep when one of them dies."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bench.portal_parts.portal import PASSWORD
from bench.portal_parts.servers import Server, site_of, user_server
from samples.chromium import ARGUMENTS, PATIENCE_MS, stop
from samples.gguf_maker import WITHOUT_THINKING, make_gguf
from samples.servers.missing import missing
from samples.servers.nginx import Nginx
from tests.browser import drawn_twice as drawn_twice

CLOSED = ["/internal/v1/values", "/internal", "//internal/v1/values", "/./internal/v1/values", "/%69nternal/v1/values", "/metrics"]


@dataclass(frozen=True)
class Site:
    admin: Server
    users: tuple[Server, Server]
    nginx: Nginx

    @property
    def admin_url(self) -> str:
        """Where nginx serves the admin server's pages and REST."""
        return f"https://localhost:{self.nginx.port}"

    def client(self, address: str) -> httpx.Client:
        return httpx.Client(base_url=address, verify=ssl.create_default_context(cafile=self.nginx.certificate), timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("servers")
    model = make_gguf(folder / "slow.gguf", layers=32, context=1024, name="slow", template=WITHOUT_THINKING, sharpness=0.1)
    behind = {"PORTAL_SECURE_COOKIE": "true"}
    admin = Server(
        folder / "admin", PORTAL_PROFILE="admin", PORTAL_MODEL=str(model), PORTAL_SLOTS="4", PORTAL_CONTEXT="1024", **behind
    )
    with ExitStack() as stack:
        stack.enter_context(admin)
        admin.measured.add_people(["ana"])
        first, second = (stack.enter_context(user_server(folder / name, admin, **behind)) for name in ("first", "second"))
        (folder / "nginx").mkdir()
        nginx = Nginx(folder / "nginx", *site_of(admin, [first, second]))
        stack.callback(nginx.close)
        yield Site(admin, (first, second), nginx)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        missing("Browser tests need Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", ignore_https_errors=True)
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    opened.close()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def sign_in(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()
    return page


def ask(page: Page, question: str) -> None:
    field = page.get_by_placeholder("Ask anything")
    field.fill(question)
    expect(page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled()
    field.press("Enter")


def written(page: Page) -> str:
    return page.locator(".st-key-transcript").inner_text()


def letters(text: str) -> str:
    """Return the letters of an answer: the model also writes characters that nothing shows."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def served_by(context: BrowserContext) -> int:
    """Return the user server that nginx keeps this browser on, counted from 0."""
    return next(int(each["value"]) for each in context.cookies() if each["name"] == "portal_server") - 1


def handshake(client: httpx.Client, cookie: str = "") -> str:
    """Open a page's websocket; the server that nginx then keeps this browser on."""
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "streamlit", **({"Cookie": f"portal_server={cookie}"} if cookie else {}),
    }  # fmt: skip
    with client.stream("GET", "/_stcore/stream", headers=headers) as answer:
        assert answer.status_code == 101
        found = re.search(r"portal_server=(\d); Path=/; Secure; HttpOnly", answer.headers["set-cookie"])
        assert found is not None
        return found[1]


def test_a_browser_stays_on_one_server_and_browsers_are_spread(site: Site) -> None:
    with site.client(site.nginx.url) as client:
        first = set()
        for _ in range(8):
            client.cookies.clear()
            first.add(handshake(client))
        assert first == {"1", "2"}
        for server in sorted(first):
            client.cookies.clear()
            assert {handshake(client, server) for _ in range(4)} == {server}


@pytest.mark.parametrize("path", CLOSED)
def test_nginx_lets_nobody_in_to_the_internal_api(site: Site, path: str) -> None:
    key = {"Authorization": f"Bearer {site.admin.key}"}
    assert httpx.get(f"{site.admin.url}/internal/v1/values", headers=key, timeout=60).status_code == 200
    for address in (site.nginx.url, site.admin_url):
        with site.client(address) as client:
            assert client.get(httpx.URL(f"{address}{path}"), headers=key).status_code == 404


def test_nginx_serves_the_admin_server_under_its_own_name_and_tls_1_3_alone(site: Site) -> None:
    with site.client(site.admin_url) as client:
        assert client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD}).status_code == 200
        assert client.get("/api/v1/people").status_code == 200
    old = ssl.create_default_context(cafile=site.nginx.certificate)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", site.nginx.port)) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_killed_user_server_takes_neither_the_sign_in_nor_the_answer(site: Site, context: BrowserContext) -> None:
    page = sign_in(context, site.nginx.url)
    ask(page, "Tell me something long")
    until(lambda: len(written(page)) > 60)
    dead = served_by(context)
    site.users[dead].kill()
    try:
        page.get_by_role("button", name="Regenerate").last.wait_for()
        assert served_by(context) == 1 - dead
        chats = site.admin.measured.get("/api/v1/conversations", "ana")["items"]
        messages = site.admin.measured.get(f"/api/v1/conversations/{chats[0]['id']}/messages", "ana")["items"]
        assert len(chats) == 1 and [each["status"] for each in messages] == ["done", "done"]
        until(lambda: letters(messages[1]["text"])[-20:] in letters(written(page)))
        page.reload()
        expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
        with site.client(site.nginx.url) as client:
            assert handshake(client, str(dead + 1)) == str(2 - dead)
    finally:
        site.users[dead].start()


def test_a_page_keeps_what_it_shows_while_the_admin_server_is_away_and_goes_on_by_itself(site: Site, context: BrowserContext) -> None:
    page = sign_in(context, site.nginx.url)
    ask(page, "Tell me something")
    until(lambda: len(written(page)) > 60)
    stop(page)
    page.get_by_role("button", name="Regenerate").last.wait_for()
    shown, address = letters(written(page)), page.url
    site.admin.kill()
    ask(page, "A question in between")
    note = page.get_by_text("No connection to the main server")
    note.wait_for()
    expect(page.get_by_text("Sent as soon as it is back: A question in between")).to_be_visible()
    assert letters(written(page)) == shown, "what is on the screen stays"
    other = context.new_page()
    other.goto(address)
    expect(other.get_by_text("This page opens automatically")).to_be_visible()
    site.admin.start()
    expect(note).to_have_count(0)
    expect(page.locator(".st-key-transcript").get_by_text("A question in between")).to_have_count(1)
    other.get_by_placeholder("Ask anything").wait_for()
    assert page.url == other.url == address
    until(lambda: shown[:40] in letters(written(other)))
    chat = site.admin.measured.get("/api/v1/conversations", "ana")["items"][0]["id"]
    messages = site.admin.measured.get(f"/api/v1/conversations/{chat}/messages", "ana")["items"]
    assert [each["text"] for each in messages if each["author"] == "user"] == ["Tell me something", "A question in between"]
