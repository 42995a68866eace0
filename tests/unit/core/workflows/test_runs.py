"""A run does its steps one after another, shows each, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from core.access.limits import Limits
from core.access.records import Holder, LimitRule, Measure, Period
from core.errors import Busy, Conflict, InvalidInput, NotAllowed, Unavailable
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.permissions import Permission
from core.people.records import Role, User
from core.programs import on_behalf
from core.tasks.handlers import JobKind
from core.tasks.worker import JobWorker
from core.workflows.records import RunLimits, RunState, StepState
from core.workflows.results import ResultFormat
from samples.fakes import MODEL
from tests.unit.core.workflows.conftest import QUERY, House, step, steps, until

Working = Callable[[Sequence[JobKind]], JobWorker]
FLOW = (
    step("s1", "query", QUERY, "file1"),
    step("s2", "chart", "", "s1"),
    step("s3", "write", "One sentence on the largest desk.", "s1"),
)


def notices(house: House) -> list[NoticeKind]:
    with house.unit_of_work() as work:
        return [each.kind for each in work.notices.of_user(house.user.id, 20)]


def test_query_chart_and_text_are_made_and_each_can_be_inspected(house: House, at_work: JobWorker) -> None:
    task = house.order(*FLOW, files=[house.upload().id])
    house.says("Rates sold most, 751.")
    run, results = house.run(task)
    assert run.state is RunState.DONE, run.error
    rows = results["s1"].output.rows
    assert rows is not None and rows.rows == (("Credit", 192), ("Rates", 751)) and results["s1"].asked == QUERY
    chart = results["s2"].output.chart
    assert chart is not None and (chart.x, chart.y) == ("desk", ("usd",))
    written = results["s3"]
    assert written.output.text == "Rates sold most, 751." and written.model == "fake" and written.completion_tokens == 4
    assert "Rates,751" in written.asked and house.router.requests[-1].batch
    assert notices(house) == [NoticeKind.TASK_DONE]
    html = house.results.export(house.user, run.id, ResultFormat.HTML).content.decode()
    assert "<td>751</td>" in html and "Rates sold most" in html
    assert house.results.export(house.user, run.id, ResultFormat.CSV).content.decode("utf-8-sig").split() == [
        "desk,usd",
        "Credit,192",
        "Rates,751",
    ]
    chat = house.results.open_as_chat(house.user, run.id)
    with house.unit_of_work() as work:
        assert [each.text[:20] for each in work.messages.of_conversation(chat)] == ["Which desk sold most", "# Which desk sold mo"]


def test_rows_of_a_step_can_be_queried_again(house: House, at_work: JobWorker) -> None:
    found = (step("s1", "query", QUERY, "file1"), step("s2", "query", 'SELECT max("usd") AS "most" FROM "s1"', "s1"),
             step("s3", "query", 'SELECT count(*) AS "n" FROM "s2"', "s2"))  # fmt: skip
    run, results = house.run(house.order(*found, files=[house.upload().id]))
    assert run.state is RunState.DONE, run.error
    assert [results[each].output.rows.rows for each in ("s2", "s3")] == [((751,),), ((1,),)]  # type: ignore[union-attr]


def test_words_become_sql_which_is_corrected_once(house: House, at_work: JobWorker) -> None:
    house.says("SELECT nothing FROM sales", f"```sql\n{QUERY};\n```")
    run, results = house.run(house.order(step("s1", "query", "Sales by desk", "file1"), files=[house.upload().id]))
    assert run.state is RunState.DONE and results["s1"].asked == QUERY and results["s1"].tries == 2


def test_a_failed_step_says_why_and_a_retry_keeps_the_steps_before(house: House, at_work: JobWorker) -> None:
    wrong = (FLOW[0], step("s2", "chart", "", "s1", x="plan"), FLOW[2])
    task = house.order(*wrong, files=[house.upload().id])
    run, results = house.run(task)
    assert run.state is RunState.FAILED and "“plan”" in str(run.error) and "It gives desk, usd" in str(run.error)
    assert results["s2"].state is StepState.FAILED and "s3" not in results and notices(house) == [NoticeKind.TASK_FAILED]
    job = until(lambda: house.jobs.get(house.user, run.job_id), lambda found: found.ended)
    assert str(job.error) == "The task failed. Its page says why."
    mended = house.tasks.change(house.user, task.id, steps=steps(*FLOW), version=1)
    house.says("Rates.")
    again, after = house.run(mended)
    assert again.state is RunState.DONE
    assert {id: each.carried for id, each in after.items()} == {"s1": True, "s2": False, "s3": False}


def test_an_edited_step_runs_again_with_all_that_depends_on_it(house: House, at_work: JobWorker) -> None:
    task = house.order(*FLOW, step("s4", "write", "A title.", "s3"), files=[house.upload().id])
    house.says("One.", "Two.")
    house.run(task)
    edited = replace(task.steps[2], text="Two sentences.")
    changed = house.tasks.change(house.user, task.id, steps=(*task.steps[:2], edited, task.steps[3]), version=1)
    house.says("Three.", "Four.")
    _, results = house.run(changed)
    assert {id: each.carried for id, each in results.items()} == {"s1": True, "s2": True, "s3": False, "s4": False}
    assert results["s4"].output.text == "Four."
    house.says("Five.")
    _, results = house.run(changed, from_step="s4")
    assert [id for id, each in results.items() if not each.carried] == ["s4"]
    house.says("Six.", "Seven.")
    _, results = house.run(changed, fresh=True)
    assert not any(each.carried for each in results.values())


def test_a_question_waits_without_a_thread_and_the_answer_goes_on(house: House, at_work: JobWorker) -> None:
    task = house.order(step("s1", "ask", "Which quarter?"), step("s2", "write", "A greeting.", "s1"))
    run, results = house.run(task)
    assert run.state is RunState.ASKING and results["s1"].state is StepState.ASKING and notices(house) == [NoticeKind.TASK_ASKS]
    with pytest.raises(Conflict, match="running already"):
        house.runs.start(house.user, task.id, 1)
    with pytest.raises(InvalidInput):
        house.runs.answer(house.user, run.id, " ")
    house.says("Hello.")
    house.runs.answer(house.user, run.id, "The fourth.")
    done, results = house.ended(run)
    assert done.state is RunState.DONE and "The fourth." in results["s2"].asked
    with pytest.raises(Conflict, match="asks nothing"):
        house.runs.answer(house.user, run.id, "Again.")


def test_a_restart_goes_on_after_the_last_step_that_is_done(house: House, working: Working) -> None:
    task = house.order(*FLOW, files=[house.upload().id])
    house.router.hold()
    house.says("Never read.")
    first = working(house.kinds)
    run = house.runs.start(house.user, task.id, 1)
    until(lambda: house.runs.get(house.user, run.id)[1], lambda found: "s3" in found)
    before = house.runs.get(house.user, run.id)[1]["s1"]
    until(lambda: house.router.generations, lambda found: len(found) == 1)
    first.close(60)
    assert house.runs.get(house.user, run.id)[0].state is RunState.RUNNING
    house.router.gate = None
    house.says("Rates.")
    working(house.kinds)
    done, results = house.ended(run)
    assert done.state is RunState.DONE and results["s3"].output.text == "Rates."
    assert results["s1"] == before and len(house.router.requests) == 2


def test_a_cancelled_run_keeps_what_it_has(house: House, at_work: JobWorker) -> None:
    task = house.order(*FLOW, files=[house.upload().id])
    house.router.hold()
    run = house.runs.start(house.user, task.id, 1)
    until(lambda: house.router.generations, lambda found: len(found) == 1)
    with pytest.raises(Conflict, match="Cancel its run first"):
        house.tasks.remove(house.user, task.id)
    house.runs.cancel(house.user, run.id)
    ended, results = house.ended(run)
    assert ended.state is RunState.CANCELLED and results["s1"].state is StepState.DONE
    with pytest.raises(Conflict, match="already ended"):
        house.runs.cancel(house.user, run.id)
    house.tasks.remove(house.user, task.id)
    assert house.tasks.list(house.user) == []


def test_a_waiting_or_asking_run_is_cancelled_at_once(house: House) -> None:
    task = house.order(step("s1", "ask", "Which quarter?"))
    run = house.runs.start(house.user, task.id, 1)  # No worker runs here.
    assert house.runs.cancel(house.user, run.id).state is RunState.CANCELLED


def test_a_busy_model_is_asked_again_and_then_the_tries_are_named(house: House, at_work: JobWorker) -> None:
    task = house.order(step("s1", "write", "A greeting."))
    house.router.refuse = [Busy("Later.", retry_after=0.01), Unavailable("Gone.")]
    house.says("Hello.")
    run, results = house.run(task)
    assert run.state is RunState.DONE and results["s1"].tries == 3
    house.router.refuse = [Unavailable("Gone.")] * 3
    run, results = house.run(task, fresh=True)
    assert run.state is RunState.FAILED and str(run.error) == "Gone. It was tried 3 times." and results["s1"].tries == 3


def test_a_used_up_limit_of_the_day_ends_a_run_at_once_and_keeps_its_steps(house: House, at_work: JobWorker, admin: User) -> None:
    day = LimitRule(id="x", holder=Holder.EVERYONE, measure=Measure.REQUESTS, period=Period.DAY, amount=1)
    Limits(house.unit_of_work, house.clock).put(admin, day)
    house.says("One.", "Two.")
    run, results = house.run(house.order(step("s1", "write", "One."), step("s2", "write", "Two.")))
    assert run.state is RunState.FAILED and "questions per day is reached" in str(run.error) and "retry the task" in str(run.error)
    assert (results["s1"].state, results["s2"].state, results["s2"].tries) == (StepState.DONE, StepState.FAILED, 1)


@pytest.mark.parametrize("limits", [RunLimits(tokens=20)])
def test_a_run_stops_at_its_tokens(house: House, at_work: JobWorker) -> None:
    house.says("One two three four five six seven.", "Eight nine ten eleven twelve thirteen fourteen fifteen.")
    run, results = house.run(house.order(*(step(f"s{n}", "write", "Numbers.") for n in (1, 2, 3))))
    assert run.state is RunState.FAILED and "has used its 20 tokens" in str(run.error) and results["s3"].state is StepState.FAILED
    assert house.router.requests[1].params.max_tokens == 20 - results["s1"].prompt_tokens - results["s1"].completion_tokens


@pytest.mark.parametrize("limits", [RunLimits(minutes=0)])
def test_a_run_stops_at_its_minutes(house: House, at_work: JobWorker) -> None:
    run, _ = house.run(house.order(step("s1", "write", "Numbers.")))
    assert run.state is RunState.FAILED and "PORTAL_TASK_MINUTES" in str(run.error)


def test_rights_and_files_count_when_a_step_runs(house: House, working: Working) -> None:
    file = house.upload()
    task = house.order(*FLOW, files=[file.id])
    run = house.runs.start(house.user, task.id, 1)
    with house.unit_of_work() as work:
        work.files.remove([file.id])
        work.commit()
    working(house.kinds)
    ended, _ = house.ended(run)
    assert ended.state is RunState.FAILED and "sales.csv was deleted" in str(ended.error)
    with pytest.raises(InvalidInput, match="no file of that number"):
        house.runs.start(house.user, task.id, 1)
    with pytest.raises(NotAllowed):
        house.tasks.list(replace(house.user, withheld=frozenset({Permission.RUN_TASKS})))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": False}, "The account that began this is disabled."),
        ({"role": Role.MANAGER}, "Your role was changed while this was running."),
    ],
)
def test_a_step_ends_when_its_person_loses_the_account_or_the_role(
    house: House, at_work: JobWorker, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], reason: str
) -> None:
    monkeypatch.setattr(on_behalf, "LOOK_S", 0.0)
    house.router.hold()
    run = house.runs.start(house.user, house.order(step("s1", "write", "A greeting.")).id, 1)
    until(lambda: house.router.generations, bool)
    accounts.change(None, house.user.name, **change)
    ended, results = house.ended(run)
    assert ended.state is RunState.FAILED and reason in str(ended.error)
    assert house.router.generations[0].cancelled.is_set() and results["s1"].state is StepState.FAILED


def test_a_step_that_waits_for_a_busy_model_ends_as_failed(
    house: House, at_work: JobWorker, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_request: object) -> NoReturn:
        accounts.change(None, house.user.name, active=False)
        raise Busy("Later.", retry_after=0.01)

    monkeypatch.setattr(on_behalf, "LOOK_S", 0.0)
    monkeypatch.setattr(house.router, "start", busy)
    ended, results = house.ended(house.runs.start(house.user, house.order(step("s1", "write", "A greeting.")).id, 1))
    assert (ended.state, results["s1"].state) == (RunState.FAILED, StepState.FAILED)
    assert "is disabled" in str(results["s1"].error)


def test_a_plan_ends_with_the_account_of_its_person(
    house: House, at_work: JobWorker, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_behalf, "LOOK_S", 0.0)
    house.router.hold()
    task = house.tasks.plan(house.user, house.order().id)
    until(lambda: house.router.generations, bool)
    accounts.change(None, house.user.name, active=False)
    assert str(house.planned(task).problem) == "The account that began this is disabled."
    assert house.router.generations[0].cancelled.is_set()


def test_without_a_model_sql_still_runs_and_writing_fails(house: House, at_work: JobWorker) -> None:
    house.router.available = [replace(MODEL, guide=True)]
    run, results = house.run(house.order(*FLOW, files=[house.upload().id]))
    assert results["s2"].state is StepState.DONE and run.state is RunState.FAILED and "write the steps yourself" in str(run.error)


def test_a_document_is_read_and_cut_to_what_the_model_has_room_for(house: House, at_work: JobWorker) -> None:
    house.router.available = [replace(MODEL, context=2_000)]
    file = house.upload("note.txt", b"Long text. " * 2_000)
    house.says("Short.")
    run, results = house.run(house.order(step("s1", "read", "", "file1"), step("s2", "write", "Shorter.", "s1"), files=[file.id]))
    assert run.state is RunState.DONE and len(results["s1"].output.text) > 20_000
    assert results["s2"].output.was_cut and "(The rest is left out.)" in results["s2"].asked and len(results["s2"].asked) < 2_500
