"""Templates: blanks and files are filled in, and people see and run what is shared with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.permissions import Permission
from core.people.records import Role, User
from core.prompts.records import Share
from core.tasks.worker import JobWorker
from core.workflows.records import RunState
from core.workflows.templates import library as module
from core.workflows.templates.filling import blanks_of, checked_values, fill
from core.workflows.templates.library import TaskTemplates
from core.workflows.templates.records import FileSlot, TaskTemplate
from samples.image_files import picture, written
from tests.unit.core.workflows.conftest import SALES, House, step, steps

SUMS = 'SELECT "desk", sum("usd") AS "usd" FROM "sales" WHERE "month" = \'{{month}}\' GROUP BY 1 ORDER BY 1'


@pytest.fixture
def library(house: House) -> TaskTemplates:
    return house.templates


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.add(None, "bob", Role.ANALYST, password="long enough", group="legal")


def saved(house: House, sql: str = SUMS) -> TaskTemplate:
    task = house.order(step("s1", "query", sql, "file1"), step("s2", "write", "For [reader], on [month].", "s1"), files=[house.upload().id])
    return house.templates.save_task(house.user, task.id)


def test_a_task_becomes_a_template_that_runs_with_other_files_and_values(house: House, at_work: JobWorker) -> None:
    template = saved(house)
    assert template.files == (FileSlot(position=1, name="sales.csv", tables=("sales",)),)
    assert house.templates.get(house.user, template.id).blanks == ("month", "reader")
    other = house.upload("Verkäufe 2026.csv", SALES.replace(b"381", b"400"))
    house.says("Rates fell.")
    values = {"month": "2026-10", "reader": "the board"}
    run, results = house.ended(house.template_runs.run(house.user, template.id, 1, values, [other.id]))
    assert run.state is RunState.DONE, run.error
    assert results["s1"].output.rows is not None and results["s1"].output.rows.rows == (("Credit", 192), ("Rates", 400))
    assert "For the board, on 2026-10." in results["s2"].asked
    [(task, latest)] = house.tasks.list(house.user, 10, template.id)
    assert task.template_id == template.id and latest == run and [each.name for each in task.files] == ["Verkäufe 2026.csv"]


def test_sql_finds_its_tables_even_where_files_swap_their_names(house: House) -> None:
    rows = {name: f"usd,desk\n{number},x\n{number},y\n".encode() for name, number in (("b", 7), ("a", 8))}
    b, a = (house.upload(f"{name}.csv", content) for name, content in rows.items())
    slots = [FileSlot(position=at, name=f"{name}.csv", tables=(name,)) for at, name in enumerate("ab", 1)]
    for sql in ('WITH "kept" AS (SELECT * FROM "b") SELECT a.usd, "kept".usd FROM "a" a, "kept"', 'SELECT a.usd, b.usd FROM "a", b'):
        template = house.templates.add(house.user, "x", "x", steps(step("s1", "query", f"{sql} LIMIT 1", "file1", "file2")), slots)
        [found] = fill(template, {}, [b, a]).steps
        assert house.queries.run(house.user, [b.id, a.id], found.text).rows == ((7, 8),), found.text


def test_a_quote_in_a_value_does_not_end_the_sql_around_it(house: House) -> None:
    sheet = house.upload()
    slot = FileSlot(position=1, name="sales.csv", tables=("sales",))
    template = house.templates.add(house.user, "x", "x", steps(step("s1", "query", SUMS, "file1")), [slot])
    [found] = fill(template, {"month": "x' OR '1'='1"}, [sheet]).steps
    assert house.queries.run(house.user, [sheet.id], found.text).rows == ()


def test_brackets_in_sql_are_no_blanks() -> None:
    found = steps(step("s1", "query", "SELECT [1, 2][1], '{{month}}' FROM \"x\""), step("s2", "query", "the sum of [figure]"))
    assert blanks_of("For [client]", "", found) == ("client", "month", "figure")


@pytest.mark.parametrize(("values", "problem"), [
    ({"month": "2026-10"}, "Fill in reader."),
    ({"month": "2026-10", "reader": " "}, "Fill in reader."),
    ({"month": "2026-10", "reader": "x" * 501}, "at most 500"),
    ({"month": "2026-10", "reader": "me", "odd": "x"}, "no blank odd"),
])  # fmt: skip
def test_every_blank_needs_a_value_that_fits(values: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        checked_values(("month", "reader"), values)


def test_files_must_be_those_that_are_asked_for(house: House) -> None:
    template, values = saved(house), {"month": "2026-10", "reader": "me"}
    note, image = house.upload("note.txt", b"Hello."), house.upload("x.png", written(picture(8, 8)))
    for files, problem in (([], "in this order: sales.csv"), ([note.id], "too few tables"), ([image.id], "too few tables")):
        with pytest.raises(InvalidInput, match=problem):
            house.template_runs.run(house.user, template.id, 1, values, files)
    sheet = house.upload()
    with pytest.raises(InvalidInput, match="each file once"):
        two = house.templates.add(house.user, "Two", "Two", steps(step("s1", "query", "all", "file1", "file2")), [
            FileSlot(position=at, name="x", tables=("x",)) for at in (1, 2)
        ])  # fmt: skip
        house.template_runs.run(house.user, two.id, 1, {}, [sheet.id, sheet.id])
    with pytest.raises(NotFound):
        house.template_runs.run(house.user, template.id, 1, values, ["0" * 32])


def test_a_template_is_shared_with_a_group_and_withdrawn(house: House, library: TaskTemplates, bob: User, admin: User) -> None:
    template = library.add(house.user, "Ask [who]", "Ask [who] something", steps(step("s1", "ask", "Which?")))
    ana = replace(house.user, group="legal")
    with pytest.raises(NotFound):
        library.get(bob, template.id)
    library.share(ana, template.id, Share.GROUP)
    [listed] = library.list(bob)
    assert not listed.own and listed.owner_name and library.list(replace(bob, group="sales")) == []
    for refused in (
        lambda: library.change(bob, template.id, title="Mine"), lambda: library.remove(bob, template.id),
        lambda: library.share(bob, template.id, Share.OWN), lambda: library.share(ana, template.id, Share.EVERYONE),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            refused()
    run = house.template_runs.run(bob, template.id, 1, {"who": "Ana"})
    assert run.user_id == bob.id and house.tasks.list(ana) == []
    mine = library.add(admin, "Style", "Style", steps(step("s1", "ask", "Which?")))
    library.share(admin, mine.id, Share.EVERYONE)
    assert [each.template.id for each in library.list(bob)] == [template.id, mine.id]
    library.share(ana, template.id, Share.OWN)
    with pytest.raises(NotFound):
        house.template_runs.run(bob, template.id, 1, {"who": "Ana"})


def test_a_change_raises_the_version_that_a_run_approves(house: House, library: TaskTemplates) -> None:
    template = library.add(house.user, "Ask", "Ask me", steps(step("s1", "ask", "Which?")))
    changed = library.change(house.user, template.id, version=1, request="Ask [who]")
    assert changed.version == 2 and library.change(house.user, template.id, version=2, request="Ask [who]").version == 2
    with pytest.raises(Conflict, match="changed meanwhile"):
        library.change(house.user, template.id, version=1, title="Old")
    with pytest.raises(Conflict, match="changed meanwhile"):
        house.template_runs.run(house.user, template.id, 1, {})
    library.remove(house.user, template.id)
    with pytest.raises(NotFound):
        library.get(house.user, template.id)


def test_templates_are_checked_and_bounded(house: House, library: TaskTemplates, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = steps(step("s1", "ask", "Which?"))
    many = " ".join(f"[b{n}]" for n in range(21))
    for title, request, found in (("", "x", ask), ("x", " ", ask), ("x", "x", ()), ("x", many, ask)):
        with pytest.raises(InvalidInput):
            library.add(house.user, title, request, found)
    with pytest.raises(InvalidInput, match="numbered from 1"):
        library.add(house.user, "x", "x", ask, [FileSlot(position=2, name="x")])
    monkeypatch.setattr(module, "MAX_TEMPLATES", 1)
    library.add(house.user, "x", "x", ask)
    with pytest.raises(Conflict, match="limit"):
        library.add(house.user, "x", "x", ask)
    with pytest.raises(NotAllowed):
        library.list(replace(house.user, withheld=frozenset({Permission.RUN_TASKS})))
