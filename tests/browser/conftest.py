"""Start a portal for the browser tests and Debian's Chromium. The model is a synthetic GLM that writes slowly, so that there is time to
act."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, FilePayload, Locator, Page, expect, sync_playwright

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import build_portal
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from samples.chromium import ARGUMENTS, PATIENCE_MS
from samples.fakes import FakePool, FakeRouter
from samples.gguf_maker import WITHOUT_THINKING, make_gguf
from samples.servers.missing import missing
from settings import Settings
from tests.browser import drawn_twice as drawn_twice
from tests.seed import seed

SCREENS = os.environ.get("TEST_SCREENS")
"""A folder for a picture at the end of each test, for people to look at."""


SLOWDOWN = float(os.environ.get("TEST_BROWSER_SLOWDOWN", "1"))
"""How many times slower Chromium's scripts and layout run: 4 shows what depends on a quick machine."""


STREAMLIT_LOOKS_FOR_ITSELF = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""Opened on a page that is not the first, Streamlit asks below that page first, which is not there, and then at the top."""


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About a thousand tokens in five to twenty seconds."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    return make_gguf(path, layers=32, context=1024, name="slow", template=WITHOUT_THINKING, sharpness=0.1)


@pytest.fixture(scope="session")
def portal(slow_model: Path) -> Iterator[Measured]:
    with running_portal(start_s=180, PORTAL_MODEL=str(slow_model), PORTAL_SLOTS="8", PORTAL_CONTEXT="1024") as running:
        running.add_people(["ana", "bo"])
        yield running


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Yield a fortnight of a company's use, so that every list and chart has something to show. Mei is its admin. The guide answers."""
    home = tmp_path_factory.mktemp("company")
    built = build_portal(Settings(home=home), pool=FakePool(), router=FakeRouter())
    seed(lambda: SqlUnitOfWork(built.database), datetime.now(UTC), Argon2Hasher().hash(PASSWORD), days=10, per_day=12, any_day=True)
    built.close()
    with running_portal(home, start_s=180) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with the module: while Playwright runs, no other test can run an event loop."""
    path = shutil.which("chromium")
    if path is None:
        missing("Browser tests need Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def slow_down(page: Page) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})


class Person:
    """Someone at a browser, signed in. Notes requests that left the machine and errors in the console: there must be none."""

    def __init__(self, context: BrowserContext, portal: Measured) -> None:
        self.context = context
        self.portal = portal
        self.strangers: list[str] = []
        self.errors: list[str] = []
        """What the console shows as an error: of a script, of a load, of the content security policy."""
        context.on("request", lambda request: self._note(request.url))
        context.on("console", lambda message: self._note_line(message))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        if SLOWDOWN != 1:
            context.on("page", slow_down)
        self.page = context.new_page()

    def _note_line(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not STREAMLIT_LOOKS_FOR_ITSELF.search(message.location["url"]):
            self.errors.append(f"{message.text} ({message.location['url']})")

    def expect_error(self, words: str) -> None:
        """Forget the errors with these words, of which there must be one: what the test did on purpose."""
        others = [error for error in self.errors if words not in error]
        assert len(others) < len(self.errors), self.errors
        self.errors[:] = others

    def _note(self, url: str) -> None:
        if not url.startswith((self.portal.url, self.portal.url.replace("http", "ws"), "data:", "blob:")):
            self.strangers.append(url)

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.page.goto(self.portal.url)
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").first.fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def open(self, name: str) -> Page:
        """Sign in and see the chat."""
        self.sign_in(name)
        self.composer(self.page).wait_for()
        return self.page

    def composer(self, page: Page | None = None) -> Locator:
        return (page or self.page).get_by_placeholder("Ask anything")

    def attach(self, *files: Path | FilePayload) -> None:
        """Choose files for the next question. Only then does Streamlit know that they are on their way, and passes over Enter."""
        chat = self.page.get_by_test_id("stChatInput")
        chat.locator("input[type=file]").set_input_files(list(files))
        for each in files:
            name = each.name if isinstance(each, Path) else each["name"]
            expect(chat.get_by_role("button", name=f"Remove {name}")).to_be_visible()

    def ask(self, text: str, page: Page | None = None) -> None:
        page = page or self.page
        field = page.get_by_placeholder("Ask anything")
        field.fill(text)
        # While a file is on its way, Streamlit passes over the key.
        expect(page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled()
        field.press("Enter")


@pytest.fixture
def person(chromium: Browser, portal: Measured, request: pytest.FixtureRequest) -> Iterator[Person]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    somebody = Person(context, portal)
    yield somebody
    if SCREENS:
        somebody.page.screenshot(path=Path(SCREENS) / f"{request.node.name}.png")
    context.close()
    assert somebody.strangers == []
    assert somebody.errors == []
