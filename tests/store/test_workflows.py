"""Tasks on both databases: what is stored is read again, and goes with its task or by a rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import Conflict
from core.grounding.records import Box
from core.knowledge.tables.records import ChartKind, ColumnKind, QueryResult, ResultColumn
from core.operations.records import LegalHold, RetentionKind, RetentionRule
from core.tasks.records import Job
from core.workflows.records import DrawnColumns, Output, RunState, StepState, TaskFile
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_file, put_user

ROWS = QueryResult(
    columns=(ResultColumn(name="desk", kind=ColumnKind.TEXT), ResultColumn(name="usd", kind=ColumnKind.NUMBER)),
    rows=(("Rates", 3.5), ("信用", None)), more=True, seconds=0.25,
)  # fmt: skip


def test_a_run_is_read_as_it_was_stored_and_an_ended_one_stays_so(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    with SqlUnitOfWork(database) as work:
        run = things.put_task(work, ana, "Sales", ended=False)
        [failed] = work.workflows.results(run.id)
        output = Output(rows=ROWS, chart=DrawnColumns(ChartKind.LINE, "desk", ("usd",)), boxes=(Box(1, 2, 3, 4, "cat", 0.5),), image="f")
        done = replace(failed, state=StepState.DONE, output=output, error=None, seconds=1.5, prompt_tokens=7, model="glm", carried=True)
        work.workflows.put_result(run.id, done)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.workflows.run(run.id) == run and work.workflows.results(run.id) == [done]
        assert [each.id for each in work.workflows.latest_runs([run.task_id])] == [run.id]
        assert work.workflows.set_run(run.id, RunState.DONE, things.NOW)
        assert not work.workflows.set_run(run.id, RunState.RUNNING)
        assert work.workflows.runs(run.task_id, 1)[0].state is RunState.DONE


def test_files_of_a_task_are_no_unused_uploads_and_go_with_the_last_task(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    file = put_file(database, ana)
    with SqlUnitOfWork(database) as work:
        first, second = things.put_task(work, ana, "One", file), things.put_task(work, ana, "Two", file)
        assert work.files.waiting(ana.id) == [] and work.files.waiting_since(things.later(days=2), 10) == []
        assert not work.files.remove_waiting(file.id)
        task = work.workflows.get(first.task_id)
        assert task is not None and task.files == (TaskFile(position=1, id=file.id, name=file.name),)
        work.workflows.remove(first.task_id)
        assert work.files.get(file.id) is not None
        work.workflows.remove(second.task_id)
        assert work.files.get(file.id) is None and work.workflows.run(second.id) is None
        with pytest.raises(Conflict):
            things.put_task(work, ana, "Three", file)


def test_rules_delete_tasks_and_their_files_but_none_that_runs_or_is_held(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    file, (_, message, _) = put_file(database, ana), put_exchange(database, bo)
    tasks, files = RetentionRule(RetentionKind.TASKS, "*", 30), RetentionRule(RetentionKind.FILES, "*", 30)
    after = things.later(days=1)
    with SqlUnitOfWork(database) as work:
        old = things.put_task(work, ana, "Old", file)
        runs = things.put_task(work, ana, "Runs", ended=False)
        work.jobs.add(Job(id=runs.job_id, kind="task.run", created_at=things.NOW, run_after=things.NOW, owner_id=ana.id))
        held = things.put_task(work, bo, "Held")
        work.retention.place_hold(LegalHold(bo.id, bo.name, "case", things.NOW))
        assert work.retention.due(tasks, things.NOW, [], 10) == []
        assert work.retention.due(tasks, after, [], 10) == [old.task_id]
        assert file.id in work.retention.due(files, after, [], 10)
        work.retention.remove(RetentionKind.TASKS, [old.task_id])
        assert work.files.get(file.id) is None and work.workflows.get(old.task_id) is None
        assert {each.id for each in work.workflows.of_user(ana.id, 10)} == {runs.task_id}
        assert work.workflows.count_of(bo.id) == 1 and work.workflows.get(held.task_id) is not None
    assert message


def test_templates_are_read_as_stored_and_follow_their_group(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    with SqlUnitOfWork(database) as work:
        own, shared = things.put_template(work, ana, "Own"), things.put_template(work, ana, "销售", group="sales")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.task_templates.get(own.id) == own and work.task_templates.lock(shared.id) == shared
        assert work.task_templates.count_of(ana.id) == 2 and list(work.task_templates.visible(bo.id, "")) == []
        assert work.task_templates.visible(bo.id, "sales") == [shared]
        work.task_templates.rename_group("sales", "trade")
        assert [each.id for each in work.task_templates.visible(bo.id, "trade")] == [shared.id]
        work.task_templates.withdraw_from("trade")
        assert list(work.task_templates.visible(bo.id, "trade")) == []
        work.task_templates.remove(own.id)
        assert work.task_templates.get(own.id) is None


def test_tasks_of_a_template_outlive_it(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    with SqlUnitOfWork(database) as work:
        template = things.put_template(work, ana, "Own")
        run, _ = things.put_task(work, ana, "Of it"), things.put_task(work, ana, "Another")
        task = work.workflows.get(run.task_id)
        assert task is not None
        work.workflows.save(replace(task, template_id=template.id))
        work.task_templates.remove(template.id)
        assert [each.id for each in work.workflows.of_user(ana.id, 10, template.id)] == [task.id]


def test_a_schedule_is_read_as_stored_and_ends_with_its_template(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    with SqlUnitOfWork(database) as work:
        template = things.put_template(work, ana, "Own")
        made = things.put_schedule(work, ana, template, "每周")
        assert work.task_schedules.of(ana.id, template.id) == made and work.task_schedules.enabled() == [made]
        off = replace(made, enabled=False, problem=None, last_task_id="0" * 32)
        work.task_schedules.save(off)
        assert work.task_schedules.lock(made.id) == off and work.task_schedules.enabled() == []
        work.task_templates.remove(template.id)
        assert work.task_schedules.of(ana.id, template.id) is None
