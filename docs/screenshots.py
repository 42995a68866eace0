"""Save a picture of each page into docs/screens/: light, dark, and 390 px wide.

    python docs/screenshots.py [page ...]

Starts a portal of its own on a folder that tests/seed.py fills: made-up people and chats, the real pages and the built-in
model. Needs what the tests need, and Debian's chromium.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from core.chat.records import Folder
from core.knowledge.records import StoredFile
from data.database import open_database
from data.migrate import migrate
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from samples.gguf_maker import make_gguf
from settings import Settings
from tests.seed import seed
from tests.shown import ASKED, experiment, order, split, two_models, votes, write_platforms

ROOT = Path(__file__).parents[1]
SCREENS = ROOT / "docs" / "screens"
RENAME = """pairs => { for (const code of document.querySelectorAll('code'))
  for (const [from, to] of pairs) if (code.textContent.startsWith(from)) code.textContent = to + code.textContent.slice(from.length); }"""
"""Paths as they are after an install, instead of those of the machine that makes the pictures."""
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PERSON = "mei"
FOLDERS = ("Month-end reports", "Stress tests")
TABLE = b"counterparty,currency,exposure\n" + b"".join(b"Bank %d,USD,%d000\n" % (n, 120 + n * 7) for n in range(1, 60))


@dataclass(frozen=True)
class Shot:
    """What to open, what must be there, and what to click before the picture."""

    path: str
    there: str
    prepare: Callable[[Page], None] | None = None


def open_complaint(page: Page) -> None:
    """Open a complaint on a wide screen; a phone shows the list."""
    if page.viewport_size == PHONE:
        return
    rows = page.locator('[class*="st-key-rrow-"] button')
    wanted = rows.filter(has_text="Convert the exposure").filter(has_text="Normal")
    (wanted if wanted.count() else rows.filter(has_text="Normal")).first.click()
    page.wait_for_timeout(1500)



def count_few_ratings(page: Page) -> None:
    """Ask for few ratings a day, because the people of the pictures do not rate much."""
    field = page.get_by_label("With at least")
    field.fill("2")
    field.press("Enter")
    page.locator(".st-key-card-alert-outcome .main-svg").first.wait_for(state="attached")
    page.wait_for_timeout(1500)


def try_question(page: Page) -> None:
    """Ask the collection, as its owner does before a chat uses it."""
    field = page.locator(".st-key-card-trial input")
    field.fill("How much notice to end the agreement early?" if page.viewport_size != PHONE else "Notice to end it early?")
    field.press("Enter")
    page.locator(".st-key-card-trial .passages li").first.wait_for()


def ask_both(page: Page) -> None:
    """Ask a question in the Arena, and wait for both answers."""
    page.locator(".st-key-arena-ask textarea").fill(ASKED)
    page.keyboard.press("Control+Enter")
    page.locator(".st-key-arena-votes").wait_for(timeout=180_000)
    page.wait_for_timeout(1500)


SHOTS = {
    "sign-in": Shot("", ".st-key-login"),
    "chat": Shot("?c={chat}", ".st-key-transcript"),
    "documents": Shot("documents?collection={collection}", ".st-key-card-trial", try_question),
    "tasks": Shot("tasks?task={task}", ".js-plotly-plot .main-svg"),
    "cases": Shot("cases", ".st-key-rvlist", open_complaint),
    "my_feedback": Shot("my-feedback", ".st-key-mine"),
    "review_progress": Shot("review_progress", ".st-key-narrow .js-plotly-plot .main-svg"),
    "arena": Shot("arena", ".st-key-arena-ask", ask_both),
    "leaderboard": Shot("leaderboard", ".st-key-card-standings"),
    "experiments": Shot("experiments?experiment={experiment}", ".st-key-exp-verdict"),
    "datasets": Shot("datasets?dataset=new", ".st-key-dataset-form"),
    "usage": Shot("usage", ".st-key-boardbody .js-plotly-plot .main-svg"),
    "reports": Shot("reports?plan=new", ".paper"),
    "alerts": Shot("alerts?rule=new&from=poor", ".st-key-card-alert-outcome", count_few_ratings),
    "models": Shot("models", ".st-key-card-plan"),
    "get_model": Shot("get_model", ".st-key-getmodel-grid"),
    "people": Shot("people", ".st-key-tool"),
    "plugins": Shot("plugins", ".st-key-card-plugin-pdf li"),
    "store": Shot("store", ".st-key-card-index"),
    "logs": Shot("logs", ".st-key-card-logs"),
}


def main(names: list[str]) -> int:
    if unknown := set(names) - set(SHOTS):
        sys.stderr.write(f"No such page: {', '.join(sorted(unknown))}. There are {', '.join(SHOTS)}.\n")
        return 2
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="portal-screens-") as folder:
        ids = fill(Path(folder))
        platforms = Path(folder) / "platforms.yaml"
        with closing(two_models()) as served, sync_playwright() as playwright:
            write_platforms(platforms, served.url)
            with running_portal(Path(folder), PORTAL_PLATFORMS=str(platforms)) as portal:
                take(portal, playwright, ids, names)
    return 0


def take(portal: Measured, playwright: Playwright, ids: dict[str, str], names: list[str]) -> None:
    """Photograph the pages in each look."""
    with portal.sign_in(PERSON) as admin:
        admin.put("/api/v1/plugins/pdf", json={"everyone": True}).raise_for_status()
        ids |= order(admin)
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
    for look, viewport, scheme in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("phone", PHONE, "light")):
        photograph(browser, portal, ids, names or list(SHOTS), look, viewport, scheme)
    browser.close()


def fill(home: Path) -> dict[str, str]:
    """Make people, chats with a file, ratings, votes, an experiment, and a small model to plan with. Return ids to open, by kind."""
    settings = Settings(home=home)
    settings.models_path.mkdir(parents=True)
    make_gguf(settings.models_path / "glm4-demo-Q8_0.gguf", quantization="Q8_0", context=8192, name="glm4-demo")
    database = open_database(settings.database)
    migrate(database)
    people = seed(lambda: SqlUnitOfWork(database), datetime.now(UTC), Argon2Hasher().hash(PASSWORD)).people
    person = people[PERSON]
    with SqlUnitOfWork(database) as work:
        for each in list(people.values())[1:]:
            work.training_choices.put(each.id, True, datetime.now(UTC))
        chats = work.conversations.of_user(person.id, 200)
        shown = next((chat for chat in chats if chat.title.startswith("Convert the exposure")), chats[0])
        others = [chat for chat in chats if chat is not shown]
        for number, name in enumerate(FOLDERS):
            folder = Folder(uuid4().hex, person.id, name, datetime.now(UTC))
            work.folders.add(folder)
            for chat in others[number + 2 :: 9]:
                work.conversations.move(chat.id, folder.id)
        question = work.messages.of_conversation(shown.id)[0]
        file = StoredFile(uuid4().hex, person.id, "exposures-q3.csv", len(TABLE), datetime.now(UTC))
        work.files.add(file, TABLE)
        work.files.attach(question.id, shown.id, [file.id])
        for vote in votes([one.id for one in people.values()]):
            work.votes.put(vote)
        made = experiment(person.id)
        work.experiments.add(made)
        work.commit()
    split(database.engine, made, [one.id for one in people.values()])
    database.close()
    return {"chat": shown.id, "experiment": made.id}


def photograph(
    browser: Browser, portal: Measured, ids: dict[str, str], names: list[str], look: str, viewport: dict[str, int], scheme: str
) -> None:
    context = browser.new_context(
        viewport=viewport, color_scheme=scheme, has_touch=viewport == PHONE, locale="en-GB",  # type: ignore[arg-type]
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    page.goto(portal.url)
    page.locator(SHOTS["sign-in"].there).wait_for()
    page.wait_for_timeout(1500)
    if "sign-in" in names:
        keep(page, f"sign-in-{look}")
    page.get_by_label("User name").fill(PERSON)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".st-key-composer").wait_for()
    for name in names:
        if name == "sign-in":
            continue
        shot = SHOTS[name]
        page.goto(f"{portal.url}/{shot.path.format(**ids)}")
        page.locator(shot.there).first.wait_for(state="attached")
        page.wait_for_timeout(2500)
        if shot.prepare is not None:
            shot.prepare(page)
        page.evaluate(RENAME, [[str(portal.home), "/home/portal/.local/share/glm-portal"], [str(ROOT), "/opt/glm-portal"]])
        page.mouse.move(0, 0)
        page.wait_for_timeout(700)
        keep(page, f"{name}-{look}")
    context.close()


def keep(page: Page, name: str) -> None:
    """Save a picture as a PNG of 256 colours: a fifth of the size, without a visible difference."""
    path = SCREENS / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    with Image.open(path) as image:
        image.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} kB\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
