"""The content security policy in a real browser: every page works under it, and forbidden actions fail.

The console shows that no page violates it: its errors fail every test here (see conftest.py).
"""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import build_portal
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from settings import Settings
from tests.browser.conftest import Person, open_page
from tests.fakes import FakePool, FakeRouter
from tests.seed import seed

ADMIN = "mei"
@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Two months of a company's use, so that every chart and list has something to show."""
    home = tmp_path_factory.mktemp("home")
    built = build_portal(Settings(home=home), pool=FakePool(), router=FakeRouter())
    seed(lambda: SqlUnitOfWork(built.database), datetime.now(UTC), Argon2Hasher().hash(PASSWORD), days=10, per_day=12)
    built.close()
    with running_portal(home, start_s=180) as running:
        yield running


def test_every_page_works_under_the_policy(person: Person, portal: Measured) -> None:
    page = person.open(ADMIN)
    page.get_by_role("link", name="Usage", exact=True).click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.get_by_role("button", name="Export CSV").click()
    with page.expect_download() as saved:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    assert saved.value.suggested_filename.endswith(".csv") and Path(saved.value.path()).stat().st_size > 100
    for name, path in (("Feedback", "feedback"), ("Models", "models"), ("People", "people"), ("Storage", "store"), ("Audit", "audit")):
        open_page(page, name)
        expect(page).to_have_url(f"{portal.url}/{path}")
        expect(page).to_have_title(re.compile(name))
        page.get_by_test_id("stMain").get_by_role("button").first.wait_for()
        page.wait_for_load_state("networkidle")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").first.click()
    assert Path(saved.value.path()).stat().st_size > 20


def test_a_question_is_asked_and_answered_under_the_policy(person: Person) -> None:
    page = person.open(ADMIN)
    person.ask("What can this portal do?")
    page.get_by_role("button", name="Regenerate").wait_for()


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server of a stranger: its address and the paths it was asked for."""
    asked: list[str] = []

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            target = self.path.partition("?frame=")[2]
            body = f"<iframe src='{target}'></iframe>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


FORBIDDEN = {
    "an image": "new Promise(done => { const it = new Image(); it.onload = it.onerror = done; it.src = URL; document.body.append(it) })",
    "a request": "fetch(URL).catch(() => 0)",
    "a beacon": "navigator.sendBeacon(URL, 'x')",
    "a websocket": "new Promise(done => {"
    " const it = new WebSocket(URL.replace('http', 'ws')); it.onclose = it.onerror = it.onopen = done })",
    "a form": "(() => { const it = Object.assign(document.createElement('form'), {action: URL, method: 'post'});"
    " document.body.append(it); it.submit() })()",
    "a style sheet": "new Promise(done => { const it = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: URL});"
    " it.onload = it.onerror = done; document.head.append(it) })",
    "a style's picture": "(() => { document.body.style.background = `url(${URL})`; return new Promise(done => setTimeout(done, 300)) })()",
    "a script": "new Promise(done => { const it = Object.assign(document.createElement('script'), {src: URL});"
    " it.onload = it.onerror = done; document.head.append(it) })",
    "a frame": "new Promise(done => { const it = Object.assign(document.createElement('iframe'), {src: URL});"
    " it.onload = done; document.body.append(it); setTimeout(done, 300) })",
    "a base address": "(() => { document.head.append(Object.assign(document.createElement('base'), {href: URL + '/'}));"
    " return fetch('below').catch(() => 0) })()",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_in_a_page_can_reach_another_server(person: Person, elsewhere: tuple[str, list[str]], what: str) -> None:
    address, asked = elsewhere
    page = person.page
    page.goto(person.portal.url)
    page.get_by_label("User name").wait_for()
    page.evaluate(FORBIDDEN[what].replace("URL", f"'{address}'"))
    page.wait_for_timeout(200)
    assert asked == []
    person.expect_error("Content Security Policy")
    person.strangers.clear()


@pytest.mark.parametrize(
    "script",
    ["setTimeout('window.bad = 1')", "document.body.setAttribute('onclick', 'window.bad = 1'), document.body.click()",
     "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))"],
)  # fmt: skip
def test_no_script_runs_that_came_as_text(person: Person, script: str) -> None:
    page = person.page
    page.goto(person.portal.url)
    page.get_by_label("User name").wait_for()
    page.evaluate(f"() => {{ try {{ {script} }} catch (error) {{ console.error(error.message) }} }}")
    page.wait_for_timeout(100)
    assert page.evaluate("window.bad") is None
    person.expect_error("Content Security Policy")


def test_no_other_site_can_frame_a_page(chromium: Browser, portal: Measured, elsewhere: tuple[str, list[str]]) -> None:
    address, _asked = elsewhere
    page = chromium.new_page()
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    page.goto(f"{address}/?frame={portal.url}")
    page.wait_for_timeout(1500)
    assert page.frames[1].get_by_label("User name").count() == 0
    assert any("frame-ancestors" in line or "X-Frame-Options" in line for line in lines), lines
    page.close()
