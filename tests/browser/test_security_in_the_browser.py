"""The content security policy in a real browser: every page works under it, and forbidden actions fail.

The console shows that no page violates it: its errors fail every test here (see conftest.py).
"""

from __future__ import annotations

import http.server
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.portal_parts.portal import Measured
from samples.chromium import PATIENCE_MS, open_page
from tests.browser.conftest import Person
from tests.browser.settled import settle, until

ADMIN = "mei"


@pytest.fixture(scope="module")
def portal(company: Measured) -> Measured:
    return company


def test_every_page_works_under_the_policy(person: Person, portal: Measured) -> None:
    page = person.open(ADMIN)
    open_page(page, "Usage")
    expect(page).to_have_url(f"{portal.url}/usage")
    page.goto(f"{portal.url}/usage?tab=report")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.get_by_role("button", name="Export CSV").click()
    with page.expect_download() as saved:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    assert saved.value.suggested_filename.endswith(".csv") and Path(saved.value.path()).stat().st_size > 100
    for name, path in (("Cases", "cases"), ("Models", "models"), ("People", "people"), ("Storage", "store"), ("Audit", "audit")):
        open_page(page, name)
        expect(page).to_have_url(f"{portal.url}/{path}")
        expect(page).to_have_title(re.compile(name))
        page.get_by_test_id("stMain").get_by_role("button").first.wait_for()
        settle(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").first.click()
    assert Path(saved.value.path()).stat().st_size > 20


def test_a_question_is_asked_and_answered_under_the_policy(person: Person) -> None:
    page = person.open(ADMIN)
    person.ask("What can this portal do?")
    page.get_by_role("button", name="Regenerate").wait_for()


def test_a_part_of_a_page_that_fails_shows_a_code_and_no_trace(person: Person, portal: Measured) -> None:
    page = person.open(ADMIN)
    page.goto(f"{portal.url}/jobs")
    page.locator(".st-key-jobrows").wait_for()
    with closing(sqlite3.connect(portal.home / "portal.db", timeout=30)) as database, database:
        detail = database.execute("select detail from jobs").fetchone()[0]
        database.execute("update jobs set detail = 'damaged'")
        database.commit()
        try:
            said = page.get_by_text("Something went wrong").locator("xpath=ancestor::*[@data-testid='stMarkdown'][1]")
            code = re.search(r"give an admin the code (\w{32}):", said.inner_text())
            assert page.get_by_test_id("stException").count() == 0 and "Traceback" not in page.content()
            expect(page.get_by_role("button", name="Notices")).to_be_visible()  # The rest of the page stays.
        finally:
            database.execute("update jobs set detail = ?", (detail,))
            database.commit()
    assert code is not None
    lines = [json.loads(line) for line in (portal.home / "logs" / "portal.log").read_text("utf-8").splitlines()]
    assert any("JSONDecodeError" in line.get("exception", "") for line in lines if line.get("request_id") == code[1])
    page.locator(".st-key-jobrows").wait_for()  # The part recovers by itself.


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Yield a foreign server: its address and the paths that were requested."""
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


@pytest.fixture(scope="module")
def visitor(chromium: Browser, portal: Measured) -> Iterator[Person]:
    """Somebody at the sign-in form. Loading it takes far longer than these tests, and none of them gets anything done in it."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    somebody = Person(context, portal)
    somebody.page.goto(portal.url)
    somebody.page.get_by_label("User name").wait_for()
    yield somebody
    context.close()


@pytest.fixture
def refused(visitor: Person) -> Iterator[Person]:
    """Yield the visitor, whose next action the policy must refuse."""
    visitor.errors.clear()
    yield visitor
    until(lambda: visitor.page.wait_for_timeout(20) or visitor.errors)
    visitor.expect_error("Content Security Policy")
    assert visitor.errors == []
    assert visitor.page.url == f"{visitor.portal.url}/"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_in_a_page_can_reach_another_server(refused: Person, elsewhere: tuple[str, list[str]], what: str) -> None:
    address, asked = elsewhere
    refused.page.evaluate(FORBIDDEN[what].replace("URL", f"'{address}'"))
    refused.page.wait_for_timeout(200)
    assert asked == []


@pytest.mark.parametrize(
    "script",
    ["setTimeout('window.bad = 1')", "document.body.setAttribute('onclick', 'window.bad = 1'), document.body.click()",
     "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))"],
)  # fmt: skip
def test_no_script_runs_that_came_as_text(refused: Person, script: str) -> None:
    page = refused.page
    page.evaluate(f"() => {{ try {{ {script} }} catch (error) {{ console.error(error.message) }} }}")
    page.wait_for_timeout(100)
    assert page.evaluate("window.bad") is None


def test_no_other_site_can_frame_a_page(chromium: Browser, portal: Measured, elsewhere: tuple[str, list[str]]) -> None:
    address, _asked = elsewhere
    page = chromium.new_page()
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    page.goto(f"{address}/?frame={portal.url}")
    def refused() -> bool:
        page.wait_for_timeout(50)
        return any("frame-ancestors" in line or "X-Frame-Options" in line for line in lines)

    until(refused)
    assert page.frames[1].get_by_label("User name").count() == 0
    page.close()
