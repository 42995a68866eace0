"""Measure chat pages in a real browser: long chats, switching, an answer at 100 tokens/s. `./portal bench chat_pages`, about two minutes.

The model is a server that sends 100 words a second, so that the engine takes no processor time. Needs Debian's chromium.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, sync_playwright

from bench.browser import busy, sign_in
from bench.portal_parts.portal import Measured, percentile, running_portal, table
from core.chat.records import Author, Conversation, Message, MessageStatus
from data.database import open_database
from data.unit_of_work import SqlUnitOfWork
from demo.company import write_platforms
from demo.scripted_model import scripted_model
from settings import Settings
from tests.browser.conftest import ARGUMENTS
from tests.seed_texts import TALKS

LONG, CHATS, OPENED, SWITCHES, STREAM_S = 500, 12, 3, 24, 5.0
SHIFTS = """() => { window.shifts = []; new PerformanceObserver(list => list.getEntries().forEach(each => window.shifts.push(each.value)))
  .observe({type: 'layout-shift', buffered: false}); }"""


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("This needs Debian's chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, sync_playwright() as playwright:
        home, model = Path(folder), scripted_model(word_s=0.01, otherwise="\n\n".join(talk.answer for talk in TALKS))
        write_platforms(home / "platforms.yaml", model.url)
        with running_portal(home, PORTAL_PLATFORMS=str(home / "platforms.yaml")) as portal:
            long, short = _fill(portal)
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            page = sign_in(browser, portal)
            opened = [_opened(page, f"{portal.url}/?c={long}", f"Answer {LONG - 1}") for _ in range(OPENED)]
            switched = [_switched(page, f"Chat {number % short}") for number in range(SWITCHES)]
            work, shift = _streamed(page)
            browser.close()
        model.close()
    rows = [
        [f"a chat of {LONG} messages: address to last message, median, s", f"{statistics.median(opened):.2f}", "1"],
        ["click on another chat to its last message, p95, ms", f"{1e3 * percentile(switched, 0.95):.0f}", "300"],
        ["main thread busy at 100 tokens/s, %", f"{100 * work:.0f}", "25"],
        ["layout shift after the first line", f"{shift:.3f}", "0"],
    ]
    table("Chat pages in Chromium", ["", "measured", "wanted, at most"], rows)


def _fill(portal: Measured) -> tuple[str, int]:
    """Store a long chat and some short ones; return the long one's id and the number of the others."""
    database = open_database(Settings(home=portal.home).database)
    with SqlUnitOfWork(database) as work:
        known = work.users.credentials("admin")
        assert known is not None
        admin = known.user
        for number in range(CHATS):
            _chat(work, admin.id, f"Chat {number}", 6, minutes=number + 1)
        long = _chat(work, admin.id, "Long", LONG, minutes=CHATS + 1)
        work.commit()
    database.close()
    return long, CHATS


def _chat(work: SqlUnitOfWork, user_id: str, title: str, messages: int, minutes: int) -> str:
    chat, before, at = uuid4().hex, None, datetime.now(UTC) - timedelta(minutes=minutes)
    ids = [uuid4().hex for _ in range(messages)]
    work.conversations.add(Conversation(id=chat, user_id=user_id, title=title, created_at=at, updated_at=at))
    for number, id in enumerate(ids):
        author = Author.ASSISTANT if number % 2 else Author.USER
        text = f"{TALKS[number // 2 % len(TALKS)].answer}\n\nAnswer {number} of {title}" if number % 2 else f"Question {number}"
        made = Message(
            id=id, conversation_id=chat, parent_id=before, author=author, text=text, status=MessageStatus.DONE,
            created_at=at + timedelta(milliseconds=number),
        )  # fmt: skip
        work.messages.add(made)
        before = id
    work.conversations.save(Conversation(id=chat, user_id=user_id, title=title, created_at=at, updated_at=at, head_id=ids[-1]))
    return chat


def _opened(page: Page, address: str, last: str) -> float:
    began = time.perf_counter()
    page.goto(address)
    page.get_by_text(last).first.wait_for(state="attached")
    return time.perf_counter() - began


def _switched(page: Page, title: str) -> float:
    link = page.locator('.list a[href^="/?c="]').filter(has_text=title).first
    began = time.perf_counter()
    link.click()
    page.get_by_text(f"Answer 5 of {title}", exact=True).wait_for(state="attached")
    taken = time.perf_counter() - began
    page.wait_for_timeout(500)
    return taken


def _streamed(page: Page) -> tuple[float, float]:
    """Return the main thread's share and the layout shift, from the first line of an answer on."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.locator(".st-key-new button").first.click()
    page.locator(".st-key-empty").wait_for()
    field = page.get_by_placeholder("Ask anything")
    field.fill("Tell me everything")
    field.press("Enter")
    page.locator(".st-key-transcript p").first.wait_for()
    page.wait_for_timeout(500)
    page.evaluate(SHIFTS)
    before, began = busy(session), time.perf_counter()
    page.wait_for_timeout(STREAM_S * 1000)
    return (busy(session) - before) / (time.perf_counter() - began), float(page.evaluate("window.shifts.reduce((a, b) => a + b, 0)"))


if __name__ == "__main__":
    main()
