"""Go on without a step that failed, and say what the models of a run cost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import Conflict
from core.tasks.worker import JobWorker
from core.usage.money.records import Price
from core.workflows.records import Run, RunState, StepResult, StepState, WorkflowTask
from samples.fakes import MODEL
from tests.unit.core.workflows.conftest import House, step

FLOW = (
    step("s1", "write", "A greeting."), step("s2", "query", 'SELECT "no" FROM "sales"', "file1"), step("s3", "write", "Say it.", "s2"),
    step("s4", "write", "An end."),
)  # fmt: skip


def failed(house: House) -> tuple[WorkflowTask, Run]:
    task = house.order(*FLOW, files=[house.upload().id])
    house.says("Hello.")
    run, results = house.run(task)
    assert run.state is RunState.FAILED and results["s2"].state is StepState.FAILED
    return task, run


def skipped(house: House, run: Run, instead: str = "") -> tuple[Run, dict[str, StepResult]]:
    house.clock.forward(seconds=1)
    return house.ended(house.runs.skip(house.user, run.id, "s2", instead))


def test_a_step_that_failed_is_left_out_with_all_that_read_it(house: House, at_work: JobWorker) -> None:
    task, run = failed(house)
    house.says("Bye.")
    done, results = skipped(house, run)
    assert done.state is RunState.DONE and [results[each].state for each in ("s2", "s3")] == [StepState.SKIPPED] * 2
    assert results["s1"].carried and results["s4"].output.text == "Bye."
    assert [each.id for each, _ in house.results.last(house.user, done.id)] == ["s1", "s4"]
    house.clock.forward(seconds=1)
    again, results = house.ended(house.runs.start(house.user, task.id, 1))
    assert again.state is RunState.DONE and results["s2"].state is StepState.SKIPPED, "what was left out stays so"
    house.says("Hello again.")
    fresh, _ = house.run(task, fresh=True)
    assert fresh.state is RunState.FAILED
    with pytest.raises(Conflict, match="run again meanwhile"):
        house.runs.skip(house.user, run.id, "s2")
    with pytest.raises(Conflict, match="Only a step that failed"):
        house.runs.skip(house.user, fresh.id, "s1")


def test_a_person_gives_the_result_of_a_step_that_failed(house: House, at_work: JobWorker) -> None:
    _, run = failed(house)
    house.says("It was 381.", "Bye.")
    done, results = skipped(house, run, "Rates: 381")
    assert done.state is RunState.DONE and results["s2"].given and results["s3"].output.text == "It was 381."
    assert "Rates: 381" in results["s3"].asked


def test_a_run_costs_what_its_answers_cost_and_is_unknown_without_a_price(house: House, at_work: JobWorker) -> None:
    task = house.order(step("s1", "write", "A greeting."))
    house.says("Hello.")
    run, _ = house.run(task)
    assert house.runs.cost(house.user, run.id).unknown and not house.runs.cost(house.user, run.id).amounts
    with house.unit_of_work() as work:
        price = Price(model=MODEL.name, currency="USD", input=1e6, output=2e6, valid_from=house.clock() - timedelta(days=1))
        work.money.put_price(price)
        work.commit()
    house.says("Hello.")
    run, results = house.run(task, fresh=True)
    cost, found = house.runs.cost(house.user, run.id), results["s1"]
    assert cost.amounts == {"USD": pytest.approx(found.prompt_tokens + 2 * found.completion_tokens)} and not cost.unknown
    kept, _ = house.run(task)
    assert house.runs.cost(house.user, kept.id).amounts == {} and not house.runs.cost(house.user, kept.id).unknown
