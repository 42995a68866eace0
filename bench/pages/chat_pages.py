"""Measure chat pages in a real browser: long chats, switching, an answer at 100 tokens/s. `./portal bench chat_pages`, about two minutes.

The model is a server that sends 100 words a second, so that the engine takes no processor time. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, sync_playwright

from bench.pages.browser import busy, sign_in
from bench.portal_parts.layout_shifts import LayoutShift, layout_shifts, watch_layout_shifts
from bench.portal_parts.portal import Measured, percentile, processor_s, running_portal, table
from core.chat.records import Author, Conversation, Message, MessageStatus
from data.database import open_database
from data.unit_of_work import SqlUnitOfWork
from demo.company import write_platforms
from demo.scripted_model import scripted_model
from samples.chromium import ARGUMENTS
from samples.talks import TALKS
from settings import Settings

LONG, CHATS, OPENED, SWITCHES, STREAM_S = 500, 12, 3, 24, 5.0
UNTIL_PAINTED = """last => {
  const shown = () => [...document.querySelectorAll('.st-key-transcript p')].some(each => each.textContent === last);
  window.painted = new Promise(done => addEventListener('click', click => {
    const watcher = new MutationObserver(() => {
      if (!shown()) return;
      watcher.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - click.timeStamp)));
    });
    watcher.observe(document.body, {childList: true, subtree: true, characterData: true});
  }, {capture: true, once: true}));
}"""
PARTS = ("open", "switch", "stream")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="./portal bench chat_pages")
    parser.add_argument("--switches", type=int, default=SWITCHES)
    parser.add_argument("--shifts", action="store_true", help="list what moved")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    chosen = parser.parse_args(arguments)
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
            rows = []
            if "open" in chosen.only:
                opened = [_opened(page, f"{portal.url}/?c={long}", f"Answer {LONG - 1}") for _ in range(OPENED)]
                rows += [[f"a chat of {LONG} messages: address to last message, median, s", f"{statistics.median(opened):.2f}", "1"]]
            if "switch" in chosen.only:
                before = processor_s(portal)
                switched = [1e3 * _switched(page, f"Chat {number % short}") for number in range(chosen.switches)]
                spent = 1e3 * (processor_s(portal) - before) / chosen.switches
                rows += [
                    ["click on another chat to its last message, p95, ms", f"{percentile(switched, 0.95):.0f}", "300"],
                    ["the same, median, ms", f"{statistics.median(switched):.0f}", ""],
                    ["the portal's processor time for it, ms", f"{spent:.0f}", ""],
                ]
            if "stream" in chosen.only:
                work, shifts = _streamed(page)
                rows += [
                    ["main thread busy at 100 tokens/s, %", f"{100 * work:.0f}", "25"],
                    ["layout shift after the first line", f"{sum(each.value for each in shifts):.3f}", "0"],
                ]
            browser.close()
        model.close()
    table("Chat pages in Chromium", ["", "measured", "wanted, at most"], rows)
    if chosen.shifts and "stream" in chosen.only:
        print("\nWhat moved\n", *shifts, sep="\n")


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
    """Return the seconds from the click on a chat until its last message is painted, as the page's own clock sees them."""
    page.evaluate(UNTIL_PAINTED, f"Answer 5 of {title}")
    page.locator('.list a[href^="/?c="]').filter(has_text=title).first.click()
    taken = float(page.evaluate("window.painted"))
    page.wait_for_timeout(500)
    return taken / 1000


def _streamed(page: Page) -> tuple[float, list[LayoutShift]]:
    """Return the main thread's share while an answer grows, and the layout shifts from its first line until its footer stands."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.locator(".st-key-new button").first.click()
    page.locator(".st-key-empty").wait_for()
    field = page.get_by_placeholder("Ask anything")
    field.fill("Tell me everything")
    field.press("Enter")
    page.locator(".st-key-transcript p").first.wait_for()
    page.wait_for_timeout(500)
    watch_layout_shifts(page)
    before, began = busy(session), time.perf_counter()
    page.wait_for_timeout(STREAM_S * 1000)
    work = (busy(session) - before) / (time.perf_counter() - began)
    page.get_by_role("button", name="Stop").wait_for(state="detached")
    page.wait_for_timeout(1500)
    return work, layout_shifts(page)


if __name__ == "__main__":
    main()
