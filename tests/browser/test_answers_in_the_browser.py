"""Answers with tables, code, formulas and diagrams, and what a person can do with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import Portal, build_portal
from core.chat.turns import TurnOptions
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished
from core.people.records import Role
from settings import Settings
from tests.browser.conftest import Person
from tests.fakes import FakePool, FakeRouter

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


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    home = tmp_path_factory.mktemp("home")
    router = FakeRouter()
    built = build_portal(Settings(home=home, model_titles=False), pool=FakePool(), router=router)
    built.accounts.add(None, "mei", Role.ADMIN, password=PASSWORD)
    _write(built, router, "Prose", [f"{TABLE}\n{CODE}\n\n{FORMULA}"])
    _write(built, router, "Diagrams", [f"{FLOW}\n\n{SEQUENCE}\n\n{BROKEN}"])
    _write(built, router, "Hostile", [f"```mermaid\n{each}\n```\n\nin words" for each in HOSTILE])
    built.close()
    with running_portal(home, start_s=180) as running:
        yield running


def _write(portal: Portal, router: FakeRouter, title: str, answers: list[str]) -> None:
    known = portal.accounts.credentials("mei")
    assert known is not None
    mei = known.user
    chat = portal.conversations.new(mei).id
    for number, text in enumerate(answers):
        router.next_answers.put([Delta(text, tokens=2), Finished(FinishReason.STOP, Usage(5, 1, 0), Timings(0.0, 0.1, 0.2))])
        turn = portal.turns.start(mei, chat, f"{title} {number}", TurnOptions(), f"{title}-{number}")
        while (running := portal.turns.find(mei, turn.id)) is not None:
            running.wait_finished(5)
    portal.conversations.rename(mei, chat, title)


def opened(person: Person, title: str) -> Page:
    page = person.open("mei")
    page.get_by_role("link", name=title, exact=True).click()
    page.locator(".st-key-transcript").wait_for()
    return page


def column(table: Locator, number: int) -> list[str]:
    return table.locator(f"tbody tr td:nth-child({number})").all_inner_texts()


def test_a_table_is_sorted_by_key_and_pointer_keeps_its_total_last_and_becomes_csv(person: Person) -> None:
    page = opened(person, "Prose")
    table = page.locator(".st-key-transcript table")
    head = table.get_by_role("button", name="Exposure")
    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(table, 2) == ["90", "1,250", "1,340"]
    head.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert column(table, 1) == ["Rates", "Credit", "Total"]
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert waiting.value.suggested_filename == "table.csv"
    saved = Path(waiting.value.path()).read_text("utf-8-sig")
    # What a spreadsheet would take for a formula is text.
    assert list(csv.reader(io.StringIO(saved)))[1:3] == [["Rates", "1,250", "'=1+1"], ["Credit", "90", "a, b"]]


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
    assert drawings.first.evaluate("each => each.naturalWidth > 100 && each.naturalHeight > 20")
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
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_hostile_diagram_runs_nothing_and_calls_nobody(person: Person) -> None:
    # The fixture of the person fails for each request to elsewhere and each error in the console.
    page = opened(person, "Hostile")
    expect(page.locator(".diagram")).to_have_count(len(HOSTILE))
    assert page.locator(".diagram img").count() > len(HOSTILE) / 2, "most are drawn, without what is bad in them"
    assert page.evaluate("window.bad") is None
    assert page.locator(".diagram img").evaluate_all(ACTIVE) == []
    assert page.locator("body > .diagramroom, body > svg").count() == 0, "what it drew with is gone"


def test_without_a_diagram_the_library_is_not_loaded(person: Person) -> None:
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    page = opened(person, "Prose")
    page.get_by_role("button", name="CSV", exact=True).wait_for()
    assert not any("mermaid" in each or "diagrams.js" in each for each in asked)
