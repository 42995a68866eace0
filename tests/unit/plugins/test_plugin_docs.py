"""The plugin in docs/plugins.md works as printed, and so does the package in docs/examples."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.people.records import User
from core.plugins.offered_tool import ToolFailed
from core.plugins.records import Addition, AdditionKind, Person, SectionPage, ToolContext
from core.plugins.service import Plugins
from core.unit_of_work import UnitOfWorkFactory
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from tests.plugin_maker import install_module, install_package
from tests.unit.core.conftest import MovingClock
from tests.unit.core.conftest import accounts as accounts
from tests.unit.core.conftest import admin as admin
from tests.unit.core.conftest import ana as ana
from tests.unit.core.conftest import clock as clock
from tests.unit.core.conftest import unit_of_work as unit_of_work

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder whose packages can be imported."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in ("glossary_plugin", "glm_portal_mail", "plugin_days"):
        sys.modules.pop(name, None)


def test_the_plugin_of_the_page_works(folder: Path, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User) -> None:
    page = (DOCS / "plugins.md").read_text("utf-8")
    blocks = {each: re.findall(rf"^```{each}\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for each in ("python", "toml")}
    [source, tool], [project] = blocks["python"], blocks["toml"]
    assert max(len([line for line in each.splitlines() if line.strip()]) for each in (source, tool)) <= 20
    install_package(folder, project, {"glossary_plugin": source})
    plugins = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas())
    [found] = plugins.list(admin)
    assert (found.name, found.version, found.summary) == ("glossary", "1.0", "Spell out our abbreviations.")
    assert "glossary_plugin" not in sys.modules
    plugins.change(admin, "glossary", everyone=True)
    filters = plugins.filters(ana)
    assert filters is not None and filters.of_questions(["Our ARR?"]) == ["Our ARR (annual recurring revenue)?"]
    assert [each.title for each in plugins.sections(ana, SectionPage.ACCOUNT)] == ["Abbreviations"]


def test_the_tool_of_the_page_counts_working_days(
    folder: Path, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User
) -> None:
    page = (DOCS / "plugins.md").read_text("utf-8")
    [_, source] = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    install_module(folder, "days", source)
    plugins = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas())
    assert plugins.tools(ana) == []
    assert plugins.change(admin, "days", everyone=True).state.adds == (Addition(AdditionKind.TOOL, "Working days"),)
    [tool] = plugins.tools(ana)
    context = ToolContext(
        person=Person(ana.id, ana.group), conversation_id="", now=clock(), stopped=lambda: False,
        search_chats=lambda words, most: [], read_chat=lambda id: None,
    )  # fmt: skip
    assert tool.call('{"first": "2026-11-26", "last": "2026-12-01"}', context) == "4"
    with pytest.raises(ToolFailed, match="Write dates as"):
        tool.call('{"first": "tomorrow", "last": "2026-12-01"}', context)
    with pytest.raises(ToolFailed, match="last is missing"):
        tool.call('{"first": "2026-11-26"}', context)


def test_the_example_reads_e_mails(folder: Path, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User) -> None:
    example = DOCS / "examples/glm-portal-mail"
    install_package(
        folder, (example / "pyproject.toml").read_text("utf-8"), {"glm_portal_mail": (example / "glm_portal_mail.py").read_text("utf-8")}
    )
    plugins = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas())
    plugins.change(admin, "mail", everyone=True)
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "bo@example.org", "合同 Contract"
    mail.set_content("<style>p {}</style><p>Please &amp; sign.</p>", subtype="html")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="contract.pdf")
    read = plugins.read(ana, "Offer.EML", mail.as_bytes())
    assert read == "From: bo@example.org\nSubject: 合同 Contract\nAttached: contract.pdf\n\nPlease & sign."
    with pytest.raises(InvalidInput, match="is not an e-mail"):
        plugins.read(ana, "odd.eml", b"nothing")
    assert plugins.read(ana, "notes.txt", b"x") is None
