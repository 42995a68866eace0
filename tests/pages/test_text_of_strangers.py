"""Names of people and files are shown as text wherever Streamlit would read Markdown.

Everything that can have a name gets one full of Markdown, every page is drawn, and the Markdown that Streamlit reads is searched for it.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

import pages
from core.arena.records import ArenaVote, Contender
from core.arena.records import Choice as VotedFor
from core.documents.records import DocumentState
from core.experiments.records import Design
from core.inference.offers import Preset
from core.people.permissions import Permission
from core.people.records import Role
from core.review.cases.changes import CaseChange
from core.review.cases.records import CaseQuery, CaseState
from core.review.datasets.records import MAX_NAME, DatasetSettings, Format, Source
from core.review.judging.records import Choice, Question, QuestionKind
from core.review.records import RatingForm
from core.usage.alerts.rule_records import AlertRule, Measure
from core.usage.reporting.records import ReportPlan
from core.workflows.records import RunState, Step, StepKind
from data.unit_of_work import SqlUnitOfWork
from pages.shell.navigation import ENTRIES
from pages.widgets.chat.message import plain
from samples.image_files import picture, written
from tests.pages.drawn import PASSWORD, House, build
from tests.pages.seeded import texts
from tests.store import things

HOSTILE = "![x](//evil.test) :red[System] **b** <u> `c` :smile: $x$"
TRACES = ("![x](", ":red[System", "**b**", ":smile:", "`c`", "$x$")
PLAIN = {("Text", "body"), ("Selectbox", "options"), ("Selectbox", "raw_value"), ("MultiSelect", "options"), ("BidiComponent", "json"),
         ("TextArea", "default"), ("TextInput", "default"), ("Code", "code_text")}  # fmt: skip
"""Where Streamlit draws plain text, or a script of ours does. Ids are never drawn; HTML is looked at by itself."""
PAGES = {
    Role.ANALYST: ("chat", "search", "images", "documents", "shared", "account", "prompts", "tasks", "my_feedback", "arena"),
    Role.ADMIN: ("cases", "review_progress", "leaderboard", "experiments", "datasets", "usage", "reports", "alerts", "models", "get_model",
                 "compare", "presets", "platforms", "people", "access", "store", "jobs", "audit", "logs", "plugins"),
}
READS_MARKDOWN = {"markdown", "caption", "error", "success", "warning", "info", "toast", "blank", "button", "dialog", "navigation"}


def strings(message: Message, path: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            here = f"{path}.{field.name}" if path else field.name
            if isinstance(each, Message):
                yield from strings(each, here)
            elif isinstance(each, str):
                yield here, each


def protos(node: Any) -> Iterator[Message]:
    if getattr(node, "proto", None) is not None:
        yield node.proto
    for child in getattr(node, "children", {}).values():
        yield from protos(child)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = build(tmp_path_factory.mktemp("strangers"))
    yield made
    made.portal.close()


@pytest.fixture(scope="module")
def hostile(house: House) -> House:
    """Return a person, a group, a folder, a chat, files, models, ratings, notes and much more, all of these names."""
    portal, router = house.portal, house.router
    admin = house.person(Role.ADMIN)
    portal.accounts.add(admin, "eve", Role.ANALYST, password=PASSWORD, full_name=HOSTILE, group=HOSTILE)
    eve = portal.accounts.credentials("eve")
    assert eve is not None
    pool: Any = portal.pool
    for models in (router.available, pool.models):
        models[:] = [replace(models[0], name=HOSTILE), *models[:1]]
    pool.on_disk[:] = [replace(pool.on_disk[0], path=Path("/models") / HOSTILE.replace("/", "")), *pool.on_disk]
    folder = portal.folders.new(eve.user, HOSTILE)
    chat = house.ask(eve.user, HOSTILE)
    portal.conversations.move(eve.user, chat, folder.id)
    portal.conversations.rename(eve.user, chat, HOSTILE)
    answer = portal.conversations.transcript(eve.user, chat)[-1].message
    portal.feedback.rate(eve.user, answer.id, -1, HOSTILE)
    [case] = portal.case_queue.find(admin, CaseQuery()).cases
    change = CaseChange(state=CaseState.FIXED, note=HOSTILE, reply=HOSTILE, fix=HOSTILE, tags=(HOSTILE[:40],))
    portal.case_work.change(admin, case.number, case.version, change)
    reopened = portal.case_work.change(admin, case.number, case.version + 1, CaseChange(state=CaseState.NEW))
    assert reopened.fix == HOSTILE
    portal.case_views.save(admin, HOSTILE, CaseQuery())
    choices = tuple(Choice(id="", label=f"{HOSTILE} {n}") for n in range(2))
    portal.review_questions.save(admin, [Question(label=HOSTILE, description=HOSTILE, kind=QuestionKind.SINGLE, choices=choices)], 0)
    portal.rating_forms.save(admin, RatingForm(poor_reasons=(HOSTILE[:40],)))
    rule = AlertRule(name=HOSTILE[:80], measure=Measure.ERRORS, threshold=5, group=HOSTILE)
    portal.alert_handling.silence(admin, portal.alert_rules.add(admin, rule).id, datetime.now(UTC) + timedelta(days=1), HOSTILE)
    portal.alert_webhooks.add(admin, HOSTILE[:80], "https://pager.example/:red[x]")
    portal.report_plans.add(admin, ReportPlan(name=HOSTILE[:80], cards=("overview.groups",), group=HOSTILE))
    portal.datasets.add(admin, HOSTILE[:MAX_NAME], DatasetSettings(format=Format.SFT, sources=(Source.GOOD,)))
    portal.shares.create(eve.user, chat)
    image = portal.grounding.upload(eve.user, f"{HOSTILE}.png".replace("/", ""), written(picture(60, 40)))
    run = replace(things.ground_run(things.ground_image(eve.user)), image_id=image.id, model=HOSTILE, phrases=(HOSTILE, "unfound"))
    with SqlUnitOfWork(portal.database) as work:
        work.grounding.add_run(replace(run, boxes=(replace(run.boxes[0], label=HOSTILE, right=50, bottom=30),)))
        work.commit()
    return house


@pytest.fixture(scope="module")
def addresses(hostile: House) -> Mapping[str, Mapping[str, str]]:
    """Return the query of the page of one thing, by the page's name. The thing and all that it holds have hostile names."""
    portal, admin = hostile.portal, hostile.person(Role.ADMIN)
    eve = portal.accounts.credentials("eve")
    assert eve is not None
    collection = portal.collections.add(eve.user, HOSTILE[:80]).id
    document = portal.documents.add(eve.user, collection, f"{HOSTILE}.md".replace("/", ""), f"# {HOSTILE}\n\n{HOSTILE}".encode())
    _until(lambda: portal.documents.get(eve.user, document.id).state is DocumentState.READY)
    file = portal.files.upload(eve.user, f"{HOSTILE}.csv".replace("/", ""), f'"{HOSTILE}",usd\n"{HOSTILE}",1\n'.encode())
    steps = (
        Step(id="s1", kind=StepKind.QUERY, title=HOSTILE, inputs=("file1",), text=f"SELECT '{HOSTILE}' AS \"{HOSTILE}\""),
        Step(id="s2", kind=StepKind.WRITE, title=HOSTILE, inputs=("s1",), text=HOSTILE),
        Step(id="s3", kind=StepKind.ASK, title=HOSTILE, text=HOSTILE),
    )
    task = portal.workflow_tasks.add(eve.user, HOSTILE, [file.id], steps=steps, title=HOSTILE)
    run = portal.workflow_runs.start(eve.user, task.id, task.version)
    _until(lambda: portal.workflow_runs.get(eve.user, run.id)[0].state is RunState.ASKING)
    portal.task_templates.save_task(eve.user, task.id)
    portal.prompts.add(eve.user, HOSTILE[:80], HOSTILE)
    portal.memories.add(eve.user, HOSTILE)
    portal.roles.add(admin, ":red[System] **b** `c` $x$", {Permission.CHAT})
    words = {"title": HOSTILE, "description": HOSTILE, "system_prompt": HOSTILE}
    portal.presets.save(admin, Preset(name="formal", model="fake", created_at=things.NOW, updated_at=things.NOW, **words))
    begun = portal.experiments.start(admin, Design(name=HOSTILE[:80], question=HOSTILE, subject="fake", other=HOSTILE))
    [rule] = portal.alert_rules.overview(admin).rules
    [plan] = portal.report_plans.overview(admin).plans
    left, right = (Contender(name, "v1") for name in (HOSTILE, "fake"))
    with SqlUnitOfWork(portal.database) as work:
        work.file_comparisons.add(replace(things.comparison("c1", HOSTILE, admin.id), ended_at=things.NOW))
        vote = ArenaVote(id=things.new_id(), user_id=admin.id, left=left, right=right, choice=VotedFor.LEFT, voted_at=things.NOW)
        work.votes.put(vote)
        work.commit()
    return {
        "documents": {"collection": collection}, "tasks": {"task": task.id}, "experiments": {"experiment": begun.id},
        "alerts": {"rule": rule.id}, "reports": {"plan": plan.id}, "compare": {"comparison": "c1"},
    }  # fmt: skip


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_every_page_is_looked_at() -> None:
    assert {entry.path or "chat" for entry in ENTRIES} <= {"start", *PAGES[Role.ANALYST], *PAGES[Role.ADMIN]}


@pytest.mark.parametrize("name", ["documents", "tasks", "experiments", "alerts", "reports", "compare"])
def test_no_page_of_one_thing_lets_a_name_be_markdown_or_html(
    hostile: House, addresses: Mapping[str, Mapping[str, str]], name: str
) -> None:
    eve = hostile.portal.accounts.credentials("eve")
    assert eve is not None
    user = eve.user if name in PAGES[Role.ANALYST] else hostile.person(Role.ADMIN)
    drawn = AppTest.from_function(_page, default_timeout=60, args=(hostile.portal, user, name))
    for parameter, value in addresses[name].items():
        drawn.query_params[parameter] = value
    all_is_text(drawn.run())
    assert "evil" in texts(drawn)


@pytest.mark.usefixtures("addresses")
@pytest.mark.parametrize("name", [name for names in PAGES.values() for name in names])
def test_no_page_lets_a_name_be_markdown_or_html(hostile: House, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # AppTest gives every cookie a made-up value.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))
    eve = hostile.portal.accounts.credentials("eve")
    assert eve is not None
    user = eve.user if name in PAGES[Role.ANALYST] else hostile.person(Role.ADMIN)
    drawn = AppTest.from_function(_page, default_timeout=60, args=(hostile.portal, user, name))
    if name == "images":
        drawn.session_state["images-image"] = hostile.portal.grounding.history(user)[0][1].id
        drawn.session_state["images-runs"], drawn.session_state["images-uploader"] = [], 0
    if name == "shared":
        [chat] = hostile.portal.conversations.list(user)
        drawn.query_params["s"] = hostile.portal.shares.of_conversation(user, chat.id)[0].id
    drawn.run()
    assert name != "shared" or any(plain(HOSTILE) in each.value for each in drawn.markdown)
    all_is_text(drawn)
    if name == "datasets":
        drawn.query_params["dataset"] = "new"
        all_is_text(drawn.run())
    if name == "account":
        tabs = [each.label for each in drawn.tabs]
        for tab in tabs[1:]:
            drawn = AppTest.from_function(_page, default_timeout=60, args=(hostile.portal, user, name))
            drawn.query_params["tab"] = tab
            all_is_text(drawn.run())
        assert tabs[-1] == "Memories" and "evil" in texts(drawn)


def all_is_text(drawn: AppTest) -> None:
    assert not drawn.exception
    for proto in protos(drawn._tree):
        for where, text in strings(proto, ""):
            place = (type(proto).__name__, where)
            if place in (("Html", "body"), ("PlotlyChart", "spec")):
                assert "<u>" not in text.replace("\\u003c", "<").replace("\\u003e", ">")
            elif place not in PLAIN and not where.endswith("id"):
                assert not any(trace in text for trace in TRACES), (place, text)


def test_a_model_is_chosen_by_its_name_and_shown_as_text(hostile: House) -> None:
    eve = hostile.portal.accounts.credentials("eve")
    assert eve is not None
    drawn = AppTest.from_function(_page, default_timeout=60, args=(hostile.portal, eve.user, "chat")).run()
    [menu] = [proto for proto in protos(drawn._tree) if type(proto).__name__ == "MenuButton"]
    assert next(iter(menu.options)) == plain(HOSTILE)  # type: ignore[attr-defined]


def test_sentences_of_errors_are_text_wherever_they_are_drawn() -> None:
    """They may quote what someone typed, or the name of a file."""
    for path in sorted(Path(pages.__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and _name(call) in READS_MARKDOWN:
                inside = [each for argument in call.args for each in _calls_outside_plain(argument)]
                assert not {"said", "retold"} & set(inside), f"{path}:{call.lineno} draws an error as Markdown"


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _calls_outside_plain(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        if _name(node) == "plain":
            return
        yield _name(node)
    for child in ast.iter_child_nodes(node):
        yield from _calls_outside_plain(child)


def _page(portal: object, user: object, name: str) -> None:
    from tests.pages.seeded import page_module

    page_module(name).render(portal, user)
