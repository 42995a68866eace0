"""Answers with tables, code, formulas and diagrams, and what a person can do with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.portal_parts.layout_shifts import layout_shifts, watch_layout_shifts
from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import Portal, build_portal
from core.chat.turns import TurnOptions
from core.documents.records import DocumentState
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished
from core.people.records import Role, User
from demo.company import write_platforms
from demo.scripted_model import scripted_model
from samples.chromium import show_earlier_messages
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.browser.conftest import Person
from tests.browser.settled import until

TABLE = """| Desk | Exposure | Note |
|:--|--:|:--|
| Rates | 1,250 | =1+1 |
| Credit | 90 | a, b |
| Total | 1,340 | |
"""
CODE = "```python\ndef due(day):\n    return day + 2\n```"
FORMULA = "The discount factor is $e^{-rt}$ and\n\n$$\\sum_{i=1}^{n} c_i$$"
FLOW = "```mermaid\nflowchart LR\n  A[Order] --> B{Checked?}\n  B -->|yes| C[已结算]\n```"
SEQUENCE = "```mermaid\nsequenceDiagram\n  Ana->>Bo: Is it booked?\n```"
BROKEN = "```mermaid\nflowchart LR\n  A --> --> B[\n```"
LONG = "\n\n".join([
    "## What moves",
    "The first line of an answer is visible while the rest of it is written.",
    "| Desk of the bank | Exposure in million |\n|:--|--:|\n| Rates | 41 |\n| Credit | 18 |\n| Options | 7 |",
    "A paragraph after the table, **with bold words**, and with `code` in it.",
    "```sql\nSELECT name, count(*) AS logins\nFROM logins\nGROUP BY name;\n```",
    "A paragraph after the code.\n\n1. **First**: a point.\n2. *Second*: another point.\n3. Third.",
    "> A quotation that somebody wrote.",
    "The discount factor is $e^{-rt}$, and the sum is\n\n$$\\sum_{k=1}^{n} \\frac{C}{(1+r)^k}$$",
    "```python\ndef due(day):\n    return day + 2\n```",
    "| Term | Word |\n|:--|:--|\n| a | b |\n| c | d |",
    *(f"Paragraph {number} of some words, so that the answer becomes longer than the page is high." for number in range(6)),
    "The last words of it.",
])  # fmt: skip
"""An answer of everything that is drawn. The widest cell of each column stands in its head: a wider one would widen the column."""
BAD = "window.bad=1"
HOSTILE = [
    f'flowchart LR\nA["<img src=x onerror={BAD}>"]',
    '%%{init: {"securityLevel": "loose", "htmlLabels": true, "flowchart": {"htmlLabels": true}}}%%\n'
    f'flowchart LR\nA["<img src=x onerror={BAD}>"]',
    f'---\nconfig:\n  securityLevel: loose\n  htmlLabels: true\n---\nflowchart LR\nA["<img src=x onerror={BAD}>"]',
    f'flowchart LR\nA-->B\nclick A "javascript:{BAD}" "x" _self',
    f'flowchart LR\nA-->B\nclick A call eval("{BAD}")',
    f'flowchart LR\nA["</text><script>{BAD}</script>"]',
    'flowchart LR\nA@{ img: "https://evil.test/x.png", label: "x" }',
    'flowchart LR\nA@{ "\\x69mg": "https://evil.test/x.png", label: "x" }',
    "flowchart LR\nA-->B\nstyle A fill:url(https://evil.test/x)",
    '%%{init: {"themeCSS": "*{background:url(https://evil.test/x)}", "fontFamily": "x;}*{background:url(https://evil.test/x)}"}}%%\n'
    "flowchart LR\nA-->B",
    'sequenceDiagram\nparticipant A\nproperties A: {"icon": "https://evil.test/x.png"}\nA->>A: x',
    f'sequenceDiagram\nparticipant A\nlink A: x @ javascript:{BAD}\nA->>A: <img src=x onerror={BAD}>',
    f'classDiagram\nclass A["<svg onload={BAD}>"]\nlink A "javascript:{BAD}"',
    f'gantt\ndateFormat YYYY-MM-DD\nsection <img src=x onerror={BAD}>\nx :a, 2026-01-01, 3d\nclick a href "javascript:{BAD}"',
    f'pie title <img src=x onerror={BAD}>\n"<script>{BAD}</script>" : 3\n"y" : 4',
    f'mindmap\n  root((<img src=x onerror={BAD}>))\n    ::icon(fa fa-x" onload="{BAD})',
    "flowchart LR\n" + "A-->B\n" * 3000,
]  # fmt: skip

ACTIVE = """all => all.flatMap(each => {
  const svg = new DOMParser().parseFromString(decodeURIComponent(each.src.split(',').slice(1).join(',')), 'image/svg+xml');
  return [...svg.querySelectorAll('*')].filter(each => /^(script|foreignObject|image|iframe)$/.test(each.localName)
    || [...each.attributes].some(({name, value}) => /^on/.test(name) || (/href$/.test(name) && !value.startsWith('#'))))
    .map(each => each.outerHTML);
})"""
"""What of the pictures would act if they were opened as documents."""
ROUNDING = 0.0001
"""Layout shift of a few letters that lie half a pixel elsewhere."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    home = tmp_path_factory.mktemp("home")
    router = FakeRouter()
    built = build_portal(Settings(home=home, model_titles=False), pool=FakePool(), router=router)
    built.accounts.add(None, "mei", Role.ADMIN, password=PASSWORD)
    _write(built, router, "Prose", [f"{TABLE}\n{CODE}\n\n{FORMULA}"])
    _write(built, router, "Diagrams", [f"{FLOW}\n\n{SEQUENCE}\n\n{BROKEN}"])
    _write(built, router, "Hostile", [f"```mermaid\n{each}\n```\n\nin words" for each in HOSTILE])
    _write(built, router, "Sources", ["In writing [1]. By whom, nobody says [9]."], _collected(built))
    built.close()
    model = scripted_model(word_s=0.01, otherwise=LONG)
    write_platforms(home / "platforms.yaml", model.url)
    with running_portal(home, start_s=180, PORTAL_PLATFORMS=str(home / "platforms.yaml")) as running:
        yield running
    model.close()


def _mei(portal: Portal) -> User:
    known = portal.accounts.credentials("mei")
    assert known is not None
    return known.user


def _collected(portal: Portal) -> TurnOptions:
    """Return the choice of a collection whose document was read."""
    mei = _mei(portal)
    collection = portal.collections.add(mei, "Contracts")
    document = portal.documents.add(mei, collection.id, "contract.md", b"# Sources\n\nHow is notice given? Notice is given in writing.")
    until(lambda: portal.documents.get(mei, document.id).state is DocumentState.READY)
    return TurnOptions(collections=(collection.id,))


def _write(portal: Portal, router: FakeRouter, title: str, answers: list[str], options: TurnOptions | None = None) -> None:
    mei = _mei(portal)
    chat = portal.conversations.new(mei).id
    for number, text in enumerate(answers):
        router.next_answers.put([Delta(text, tokens=2), Finished(FinishReason.STOP, Usage(5, 1, 0), Timings(0.0, 0.1, 0.2))])
        turn = portal.turns.start(mei, chat, f"{title} {number}: how is notice given?", options or TurnOptions(), f"{title}-{number}")
        while (running := portal.turns.find(mei, turn.id)) is not None:
            running.wait_finished(5)
    portal.conversations.rename(mei, chat, title)


def opened(person: Person, title: str) -> Page:
    page = person.open("mei")
    page.get_by_role("link", name=title, exact=True).click()
    page.locator(".st-key-transcript").wait_for()
    return page


def column(table: Locator, number: int) -> Locator:
    return table.locator(f"tbody tr td:nth-child({number})")


def test_a_table_is_sorted_by_key_and_pointer_keeps_its_total_last_and_becomes_csv(person: Person) -> None:
    page = opened(person, "Prose")
    table = page.locator(".st-key-transcript table")
    head = table.get_by_role("button", name="Exposure")
    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(column(table, 2)).to_have_text(["90", "1,250", "1,340"])
    head.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(column(table, 1)).to_have_text(["Rates", "Credit", "Total"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert waiting.value.suggested_filename == "table.csv"
    saved = Path(waiting.value.path()).read_text("utf-8-sig")
    # What a spreadsheet would take for a formula is text.
    assert list(csv.reader(io.StringIO(saved)))[1:3] == [["Rates", "1,250", "'=1+1"], ["Credit", "90", "a, b"]]


def test_a_citation_opens_the_page_of_its_source_by_key_and_pointer(person: Person) -> None:
    page = opened(person, "Sources")
    cited = page.locator(".st-key-transcript").get_by_role("button", name="1", exact=True)
    cited.click()
    expect(page.locator(".st-key-docpane mark")).to_contain_text("Notice is given in writing.")
    page.get_by_role("button", name="Close the page").click()
    expect(page.locator(".st-key-docpane")).to_have_count(0)
    cited.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-docpane mark")).to_be_visible()
    expect(page.locator(".st-key-transcript del")).to_have_text("[9]")


def test_code_says_its_language_and_is_copied_and_formulas_are_drawn(person: Person) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(person, "Prose")
    code = page.locator(".st-key-transcript").get_by_test_id("stCode")
    expect(code).to_have_attribute("data-language", "python")
    code.get_by_role("button", name="Copy").click()  # It does not wait for a pointer.
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('return day + 2'))")
    expect(page.locator(".st-key-transcript .katex")).to_have_count(2)
    expect(page.locator(".st-key-transcript .katex-error")).to_have_count(0)


def test_a_diagram_is_drawn_with_a_switch_to_its_source_and_a_broken_one_shows_it(person: Person) -> None:
    page = opened(person, "Diagrams")
    drawings = page.locator(".diagram img")
    expect(drawings).to_have_count(2)
    expect(drawings.first).to_have_attribute("alt", "Diagram: flowchart")
    until(lambda: drawings.first.evaluate("each => each.naturalWidth > 100 && each.naturalHeight > 20"))
    blocks = page.locator(".st-key-transcript").get_by_test_id("stCode")
    expect(blocks.first).to_be_hidden()
    expect(page.get_by_text("This diagram cannot be drawn.")).to_have_count(1)
    expect(blocks.nth(2)).to_be_visible()
    switch = page.get_by_role("button", name="Show the source").first
    switch.focus()
    page.keyboard.press("Enter")
    expect(blocks.first).to_be_visible()
    expect(drawings.first).to_be_hidden()
    page.get_by_role("button", name="Show the drawing").click()
    expect(drawings.first).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(drawings).to_have_count(2)
    page.set_viewport_size({"width": 390, "height": 844})
    until(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390)


def test_a_hostile_diagram_runs_nothing_and_calls_nobody(person: Person) -> None:
    # The fixture of the person fails for each request to elsewhere and each error in the console.
    page = opened(person, "Hostile")
    show_earlier_messages(page, page.locator(".diagram"), len(HOSTILE))
    expect(page.locator(".diagram")).to_have_count(len(HOSTILE))
    until(lambda: page.locator(".diagram img").count() > len(HOSTILE) / 2)  # Most are drawn, without what is bad in them.
    expect(page.locator("body > .diagramroom, body > svg")).to_have_count(0)  # What it drew with is gone.
    assert page.evaluate("window.bad") is None
    assert page.locator(".diagram img").evaluate_all(ACTIVE) == []


def test_without_a_diagram_the_library_is_not_loaded(person: Person) -> None:
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    page = opened(person, "Prose")
    page.get_by_role("button", name="CSV", exact=True).wait_for()
    assert not any("mermaid" in each or "diagrams.js" in each for each in asked)


def test_a_failed_export_says_why_on_the_page(person: Person) -> None:
    page = opened(person, "Prose")
    page.get_by_role("button", name="More: Prose").click()
    page.get_by_role("menuitem", name="Export").click()
    failed = {"error": {"message": "The plugin for PDF failed. Ask an admin.", "code": "unavailable"}}
    page.route("**/api/v1/conversations/export?*", lambda route: route.fulfill(status=503, json=failed))
    download = page.get_by_role("dialog").get_by_role("button", name="Download")
    download.click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("The plugin for PDF failed. Ask an admin.")
    person.expect_error("503")
    assert len(page.context.pages) == 1, "no tab with JSON"
    page.unroute("**/api/v1/conversations/export?*")
    with page.expect_download() as waiting:
        download.click()
    assert "Prose" in waiting.value.suggested_filename
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_count(0)


def test_nothing_moves_while_an_answer_grows_and_when_it_ends(person: Person) -> None:
    page = person.open("mei")
    for drawn in (".katex", "code .token"):  # Loaded before the first answer needs it.
        page.locator(".st-key-zero-answertools").locator(drawn).first.wait_for(state="attached")
    page.evaluate("new Promise(done => requestIdleCallback(() => document.fonts.ready.then(() => done())))")
    person.ask("Tell me everything")
    page.locator(".st-key-transcript h2").get_by_text("What moves").wait_for()
    watch_layout_shifts(page)
    expect(page.get_by_text("The last words of it.")).to_be_visible()
    expect(page.get_by_role("button", name="Good answer")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("button", name="CSV", exact=True)).to_have_count(2)
    page.wait_for_timeout(500)  # What comes late would come now.
    moved = [shift for shift in layout_shifts(page) if shift.value]
    assert sum(shift.value for shift in moved) < ROUNDING, "\n".join(map(str, moved))
