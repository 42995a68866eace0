"""Plugins: off until an admin turns them on, for everyone or for groups; each fails alone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.access.groups import Groups
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.inference.requests import ChatMessage, Delta, GenerationRequest
from core.knowledge.files import Files
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.plugins import service
from core.plugins.records import Addition, AdditionKind, SectionPage
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.privacy.records import EVERY_GROUP, Action, PrivacyPolicy
from core.unit_of_work import UnitOfWorkFactory
from data.documents.reader import ProcessDocumentReader
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from samples.fakes import FakeRouter, answer
from tests.plugin_maker import install_module
from tests.unit.core.conftest import MovingClock

LOUD = """
from core.plugins.hookspecs import hookimpl

@hookimpl
def filter_question(text, person):
    return text.replace("ACME", "our customer")

@hookimpl
def filter_answer(text, person):
    return text.replace("our customer", "ACME").replace("nobody", "ann@example.org")
"""
BROKEN = """
from core.plugins.hookspecs import PageSection, SectionPage, hookimpl

@hookimpl
def filter_question(text, person):
    raise ValueError("no idea: " + text)

@hookimpl
def page_sections():
    return [
        PageSection(SectionPage.ACCOUNT, "Broken", lambda person: 1 / 0),
        PageSection(SectionPage.ACCOUNT, "Good", lambda person: f"You are in **{person.group or 'no group'}**."),
        PageSection(SectionPage.USAGE, "Elsewhere", lambda person: "x"),
    ]
"""
FILES = """
from core.plugins.hookspecs import Exporter, FileReader, PluginRefusal, hookimpl

def write(chat):
    if chat.title == "bad":
        raise ValueError("no idea")
    return f"{chat.title}: {len(chat.messages)}".encode()

def read(name, content):
    if content == b"refuse":
        raise PluginRefusal(f"{name} is locked.")
    if content == b"crash":
        import os
        os.abort()
    return content.decode()[::-1]

@hookimpl
def exporters():
    return [Exporter("plain", "Plain", "txt", "text/plain", write)]

@hookimpl
def file_readers():
    return [FileReader("backwards", (".bak",), read)]
"""
Install = Callable[..., Plugins]


@pytest.fixture
def install(tmp_path: Path, unit_of_work: UnitOfWorkFactory, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install packages; returns the plugins that are found then."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def install(**sources: str) -> Plugins:
        for name, source in sources.items():
            install_module(folder, name, source, version="2.1", summary=f"About {name}")
        return Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas())

    yield install
    for name in {each for each in sys.modules if each.startswith("plugin_")} - before:
        del sys.modules[name]


@pytest.fixture
def risk(unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User) -> str:
    return Groups(unit_of_work, clock).add(admin, "Lending").name


def asked(text: str) -> GenerationRequest:
    return GenerationRequest((ChatMessage("system", "About ACME"), ChatMessage("user", text)), "ana")


def told(gateway: Gateway, user: User, text: str) -> str:
    return "".join(each.text for each in gateway.recorded(gateway.answer(user, asked(text), Source.API)) if isinstance(each, Delta))


def test_a_plugin_that_is_off_is_listed_and_not_imported(install: Install, admin: User, ana: User) -> None:
    plugins = install(loud=LOUD)
    [found] = plugins.list(admin)
    assert (found.name, found.version, found.package, found.summary, found.installed) == ("loud", "2.1", "portal-loud", "About loud", True)
    assert not found.state.is_on
    assert plugins.filters(ana) is None and plugins.export_formats(ana) == [] and plugins.sections(ana, SectionPage.ACCOUNT) == []
    assert "plugin_loud" not in sys.modules
    on = plugins.change(admin, "loud", everyone=True)
    assert "plugin_loud" in sys.modules
    assert on.state.adds == (Addition(AdditionKind.QUESTION_FILTER), Addition(AdditionKind.ANSWER_FILTER))
    plugins.change(admin, "loud")
    assert plugins.filters(ana) is None


def test_a_plugin_is_on_for_its_groups_alone(
    install: Install, admin: User, ana: User, risk: str, accounts: Accounts, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    plugins = install(loud=LOUD)
    plugins.change(admin, "loud", groups=[risk])
    member = accounts.add(None, "rob", Role.ANALYST, password="a long password", group=risk)
    assert plugins.filters(ana) is None and plugins.filters(member) is not None
    groups = Groups(unit_of_work, clock)
    [info] = [each for each in groups.all(admin) if each.group.name == risk]
    groups.change(admin, info.group.id, name="Credit")
    assert plugins.list(admin)[0].state.groups == ("Credit",)
    groups.remove_member(admin, info.group.id, "rob")
    groups.remove(admin, info.group.id)
    assert not plugins.list(admin)[0].state.is_on


def test_only_those_who_run_plugins_see_and_change_them(install: Install, ana: User) -> None:
    plugins = install(loud=LOUD)
    for refused in (lambda: plugins.list(ana), lambda: plugins.change(ana, "loud", everyone=True), lambda: plugins.groups(ana)):
        with pytest.raises(NotAllowed):
            refused()
    assert "plugin_loud" not in sys.modules


def test_a_change_is_in_the_audit_log(install: Install, admin: User, unit_of_work: UnitOfWorkFactory) -> None:
    install(loud=LOUD).change(admin, "loud", everyone=True)
    with unit_of_work() as work:
        assert "plugin.change" in work.audit.actions()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('set KEY first')", "RuntimeError: set KEY first"),
        ("x = 1", "adds nothing"),
        ("from core.plugins.hookspecs import hookimpl\n@hookimpl\ndef exporterz():\n    return []", "exporterz"),
        ("from core.plugins.hookspecs import hookimpl\n@hookimpl\ndef exporters():\n    return ['pdf']", "list of Exporter"),
    ],
)  # fmt: skip
def test_a_plugin_that_cannot_be_imported_stays_off_and_says_why(install: Install, admin: User, source: str, why: str) -> None:
    plugins = install(odd=source)
    with pytest.raises(Conflict, match=why):
        plugins.change(admin, "odd", everyone=True)
    assert not plugins.list(admin)[0].state.is_on


def test_unknown_plugins_and_groups_are_refused(install: Install, admin: User) -> None:
    plugins = install(loud=LOUD)
    with pytest.raises(NotFound, match="no plugin other"):
        plugins.change(admin, "other", everyone=True)
    with pytest.raises(InvalidInput, match="no group Ghosts"):
        plugins.change(admin, "loud", groups=["Ghosts"])


def test_a_plugin_whose_package_is_gone_can_only_be_turned_off(install: Install, admin: User, ana: User, tmp_path: Path) -> None:
    install(loud=LOUD).change(admin, "loud", everyone=True)
    for path in sorted((tmp_path / "site").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    plugins = install()
    assert [each.installed for each in plugins.list(admin)] == [False] and plugins.filters(ana) is None
    with pytest.raises(Conflict, match="not installed"):
        plugins.change(admin, "loud", everyone=True)
    plugins.change(admin, "loud")
    assert plugins.list(admin) == []


def test_filters_change_what_the_model_reads_and_what_the_person_reads(
    install: Install, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    plugins, router = install(loud=LOUD), FakeRouter()
    plugins.change(admin, "loud", everyone=True)
    gateway = Gateway(unit_of_work, router, clock, filters=plugins)
    router.next_answers.put(answer("I know our customer.\nAnd nobody else"))
    assert told(gateway, ana, "Who is ACME?") == "I know ACME.\nAnd ann@example.org else"
    assert [each.content for each in router.requests[-1].messages] == ["About ACME", "Who is our customer?"]


def test_personal_data_is_masked_after_the_filters(
    install: Install, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    plugins, router = install(loud=LOUD), FakeRouter()
    plugins.change(admin, "loud", everyone=True)
    privacy = PrivacyFilter(unit_of_work, clock)
    privacy.put(admin, PrivacyPolicy(group=EVERY_GROUP, input=Action.MASK, output=Action.MASK))
    gateway = Gateway(unit_of_work, router, clock, privacy, filters=plugins)
    router.next_answers.put(answer("nobody"))
    assert "example.org" not in told(gateway, ana, "Hello?")


def test_a_filter_that_fails_is_passed_over_and_admins_see_why(
    install: Install, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock, caplog: pytest.LogCaptureFixture
) -> None:
    plugins, router = install(broken=BROKEN, loud=LOUD), FakeRouter()
    for name in ("broken", "loud"):
        plugins.change(admin, name, everyone=True)
    router.next_answers.put(answer("Yes, our customer."))
    assert told(Gateway(unit_of_work, router, clock, filters=plugins), ana, "A secret of ACME?") == "Yes, ACME."
    assert router.requests[-1].messages[1].content == "A secret of our customer?"
    broken, loud = plugins.list(admin)
    assert broken.state.error == "filter_question: ValueError: no idea: A secret of ACME?" and broken.state.failed_at == clock()
    assert loud.state.error == ""
    assert "the plugin broken failed in filter_question: ValueError at" in caplog.text and "secret" not in caplog.text
    plugins.change(admin, "broken", everyone=True)
    assert plugins.list(admin)[0].state.error == ""


def test_a_filter_that_takes_too_long_is_passed_over(
    install: Install, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = install(slow=LOUD.replace("return text", "import plugin_slow; plugin_slow.gate.wait(); return text"))
    plugins.change(admin, "slow", everyone=True)
    gate = threading.Event()
    sys.modules["plugin_slow"].gate = gate  # type: ignore[attr-defined]
    monkeypatch.setattr(service, "FILTER_S", 0.05)
    filters = plugins.filters(ana)
    assert filters is not None and filters.of_questions(["Who is ACME?"]) == ["Who is ACME?"]
    assert "took more than 0.05 s" in plugins.list(admin)[0].state.error
    gate.set()


def test_sections_stand_on_their_page_and_one_that_fails_is_left_out(install: Install, admin: User, ana: User) -> None:
    plugins = install(broken=BROKEN)
    plugins.change(admin, "broken", everyone=True)
    shown = plugins.sections(ana, SectionPage.ACCOUNT)
    assert [(each.title, each.text) for each in shown] == [("Good", f"You are in **{ana.group or 'no group'}**.")]
    assert plugins.list(admin)[0].state.error.startswith("page_sections: ZeroDivisionError")


def test_readers_and_exporters_run_in_a_process_that_may_die(
    install: Install, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    plugins = install(files=FILES)
    plugins.change(admin, "files", everyone=True)
    files = Files(unit_of_work, clock, ProcessDocumentReader(), 1_000_000, others=plugins)

    def text(content: bytes) -> str | None:
        file = files.upload(ana, "Notes.BAK", content)
        with unit_of_work() as work:
            return work.files.text(file.id)

    assert text("abc 合同".encode()) == "同合 cba"
    with pytest.raises(InvalidInput, match=r"^The plugin files reports: “Notes\.BAK is locked\.”$"):
        text(b"refuse")
    assert text(b"crash") is None  # Read as the portal reads texts.
    assert plugins.list(admin)[0].state.error.startswith("file_readers: it took too much time or memory")
    for name, content in (("sheet.bin", b"\0\1\2" * 99), ("loop.png", b"\x89PNG\0")):
        with pytest.raises(InvalidInput, match=rf"{name} .*cannot be read\. Attach .* \.bak files\."):
            files.upload(ana, name, content)
    clock.forward(minutes=1)
    with pytest.raises(Unavailable, match="The plugin for Plain failed"):
        plugins.write(ana, "plain", [chat("bad", clock)])
    assert plugins.list(admin)[0].state.error == "exporters: ValueError: no idea"
    exporter, written = plugins.write(ana, "plain", [chat("one", clock), chat("two 二", clock)])
    assert (exporter.ending, list(written)) == ("txt", [b"one: 0", "two 二: 0".encode()])
    with pytest.raises(NotFound):
        plugins.write(ana, "other", [chat("one", clock)])


def chat(title: str, clock: MovingClock) -> service.Chat:
    return service.Chat(title=title, updated_at=clock(), messages=())
