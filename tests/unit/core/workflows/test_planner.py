"""A model proposes steps. A wrong proposal is corrected once; without a capable model there is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.errors import Conflict, InvalidInput, NotFound
from core.inference.records import Source
from core.people.accounts import Accounts
from core.people.records import Role
from core.tasks.worker import JobWorker
from samples.fakes import MODEL
from tests.unit.core.workflows.conftest import QUERY, House, step

WRONG = [step("s1", "query", QUERY.replace("desk", "dseks"), "file1")]
RIGHT = [step("s1", "query", QUERY, "file1"), step("s2", "write", "One sentence.", "s1")]


def test_a_model_proposes_steps_that_follow_a_schema(house: House, at_work: JobWorker) -> None:
    file = house.upload()
    task = house.tasks.add(house.user, "Which desk sold most?", [file.id])
    house.says_plan(*RIGHT)
    planned = house.planned(house.tasks.plan(house.user, task.id))
    assert [each.id for each in planned.steps] == ["s1", "s2"] and planned.title == "Sales by desk"
    assert (planned.planned_by, planned.version, planned.problem) == ("fake", 2, None)
    [asked] = house.router.requests
    assert json.loads(asked.params.json_schema or "")["required"] == ["title", "steps"]
    assert "sales.csv" in asked.messages[0].content and '"usd" integer' in asked.messages[0].content and not asked.batch
    with house.unit_of_work() as work:
        day = house.clock().date()
        assert Source.TASK.value in {part.source for part in work.generations.parts(day, day)}


@pytest.mark.parametrize("first", [json.dumps({"title": "x", "steps": WRONG}), "I would query it.", '{"steps": [{"kind": "email"}]}'])
def test_a_wrong_proposal_is_corrected_by_what_the_check_says(house: House, at_work: JobWorker, first: str) -> None:
    task = house.tasks.add(house.user, "Which desk sold most?", [house.upload().id])
    house.says(first)
    house.says_plan(*RIGHT)
    planned = house.planned(house.tasks.plan(house.user, task.id))
    assert len(planned.steps) == 2 and planned.problem is None
    correction = house.router.requests[1].messages[-1].content
    assert correction.startswith("This plan cannot be used: ") and len(house.router.requests) == 2


def test_after_two_wrong_proposals_the_person_reads_why(house: House, at_work: JobWorker) -> None:
    task = house.tasks.add(house.user, "Which desk sold most?", [house.upload().id])
    house.says_plan(*WRONG)
    house.says_plan(*WRONG)
    planned = house.planned(house.tasks.plan(house.user, task.id))
    assert planned.steps == () and planned.problem is not None and "twice: Step 1: The query failed" in str(planned.problem)


def test_the_guide_plans_nothing(house: House) -> None:
    house.router.available = [replace(MODEL, guide=True)]
    task = house.tasks.add(house.user, "Which desk sold most?")
    assert house.tasks.planner_for(house.user) is None
    with pytest.raises(Conflict, match="write the steps yourself"):
        house.tasks.plan(house.user, task.id)


def test_a_proposal_never_overwrites_what_the_person_wrote_meanwhile(house: House, at_work: JobWorker) -> None:
    task = house.order(step("s1", "ask", "Which quarter?"))
    house.router.hold()
    house.says_plan(step("s1", "ask", "Which year?"))
    house.tasks.plan(house.user, task.id)
    with pytest.raises(Conflict, match="is planning"):
        house.tasks.change(house.user, task.id, steps=(), version=1)
    with pytest.raises(Conflict, match="is planning"):
        house.runs.start(house.user, task.id, task.version)
    house.tasks.cancel_plan(house.user, task.id)
    house.router.release()
    assert house.tasks.get(house.user, task.id).steps == task.steps


def test_a_task_belongs_to_its_person(house: House, accounts: Accounts) -> None:
    bob = accounts.add(None, "bob", Role.ADMIN, password="correct horse")
    file, task = house.upload(), house.tasks.add(house.user, "Which desk sold most?")
    with pytest.raises(NotFound):
        house.tasks.get(bob, task.id)
    with pytest.raises(NotFound):
        house.tasks.add(bob, "Read this", [file.id])
    assert house.tasks.list(bob) == []


def test_steps_changed_elsewhere_are_not_overwritten(house: House) -> None:
    task = house.order(step("s1", "ask", "Which quarter?"))
    changed = house.tasks.change(house.user, task.id, steps=(replace(task.steps[0], text="Which year?"),), version=1)
    assert changed.version == 2
    with pytest.raises(Conflict, match="changed meanwhile"):
        house.tasks.change(house.user, task.id, steps=task.steps, version=1)
    with pytest.raises(Conflict, match="changed meanwhile"):
        house.runs.start(house.user, task.id, 1)
    with pytest.raises(InvalidInput, match="at least one step"):
        house.tasks.change(house.user, task.id, steps=(), version=2)


def test_files_of_a_task_are_no_unused_uploads_and_go_with_it(house: House) -> None:
    file = house.upload()
    task = house.order(step("s1", "query", QUERY, "file1"), files=[file.id])
    with house.unit_of_work() as work:
        assert work.files.waiting(house.user.id) == []
    with pytest.raises(Conflict, match="belongs to a task"):
        house.files.discard(house.user, file.id)
    house.tasks.remove(house.user, task.id)
    with pytest.raises(NotFound):
        house.files.get(house.user, file.id)
