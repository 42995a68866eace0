"""Convert tasks, runs and results to rows and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.errors import StoredError
from core.grounding.records import Box
from core.knowledge.tables.records import ChartKind, ColumnKind, QueryResult, ResultColumn
from core.workflows.records import DrawnColumns, Output, Run, RunState, StepResult, StepState, TaskFile, WorkflowTask
from core.workflows.steps_json import read, written
from data.transaction import AnyRow


def task_values(task: WorkflowTask) -> dict[str, Any]:
    body = {"title": task.title, "request": task.request, "steps": written(task.steps), "problem": _error(task.problem)}
    return {
        "id": task.id, "user_id": task.user_id, "body": _json(body), "model": task.model, "version": task.version,
        "planned_by": task.planned_by, "plan_job_id": task.plan_job_id, "template_id": task.template_id, "created_at": task.created_at,
        "updated_at": task.updated_at,
    }  # fmt: skip


def task_of(row: AnyRow, files: Sequence[TaskFile]) -> WorkflowTask:
    body = json.loads(row.body)
    return WorkflowTask(
        id=row.id, user_id=row.user_id, title=body["title"], request=body["request"], model=row.model, steps=read(body["steps"]),
        files=tuple(files), version=row.version, planned_by=row.planned_by, problem=_read_error(body["problem"]),
        plan_job_id=row.plan_job_id, template_id=row.template_id, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def run_values(run: Run) -> dict[str, Any]:
    body = {"title": run.title, "steps": written(run.steps), "files": [asdict(each) for each in run.files]}
    return {
        "id": run.id, "task_id": run.task_id, "user_id": run.user_id, "job_id": run.job_id, "state": run.state.value,
        "body": _json(body), "error": error_text(run.error), "model": run.model, "version": run.version, "waits": run.waits,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
    }  # fmt: skip


def run_of(row: AnyRow) -> Run:
    body = json.loads(row.body)
    return Run(
        id=row.id, task_id=row.task_id, user_id=row.user_id, title=body["title"], job_id=row.job_id, state=RunState(row.state),
        steps=read(body["steps"]), files=tuple(TaskFile(**each) for each in body["files"]), model=row.model, version=row.version,
        waits=row.waits, created_at=row.created_at, ended_at=row.ended_at, error=error_of(row.error),
    )  # fmt: skip


def error_text(error: StoredError | None) -> str | None:
    return None if error is None else _json(_error(error))


def error_of(text: str | None) -> StoredError | None:
    return None if text is None else _read_error(json.loads(text))


def result_values(run_id: str, result: StepResult) -> dict[str, Any]:
    body = {
        "output": _output(result.output), "asked": result.asked, "error": _error(result.error), "generations": list(result.generations),
        "given": result.given,
    }  # fmt: skip
    return {
        "id": f"{run_id}:{result.step_id}", "run_id": run_id, "step_id": result.step_id, "state": result.state.value,
        "body": _json(body), "made_of": result.made_of, "tries": result.tries, "seconds": result.seconds,
        "prompt_tokens": result.prompt_tokens, "completion_tokens": result.completion_tokens, "model": result.model,
        "carried": result.carried, "started_at": result.started_at,
    }  # fmt: skip


def result_of(row: AnyRow) -> StepResult:
    body = json.loads(row.body)
    return StepResult(
        step_id=row.step_id, state=StepState(row.state), started_at=row.started_at, made_of=row.made_of,
        output=_read_output(body["output"]), asked=body["asked"], error=_read_error(body["error"]), tries=row.tries, seconds=row.seconds,
        prompt_tokens=row.prompt_tokens, completion_tokens=row.completion_tokens, model=row.model, carried=row.carried,
        generations=tuple(body.get("generations", ())), given=body.get("given", False),
    )  # fmt: skip


def _output(output: Output) -> dict[str, Any]:
    return {name: value for name, value in asdict(output).items() if value}


def _read_output(found: dict[str, Any]) -> Output:
    rows, chart = found.get("rows"), found.get("chart")
    return Output(
        text=found.get("text", ""), rows=None if rows is None else _read_rows(rows),
        chart=None if chart is None else DrawnColumns(ChartKind(chart["kind"]), chart["x"], tuple(chart["y"])),
        boxes=tuple(Box(**each) for each in found.get("boxes", ())), image=found.get("image", ""), was_cut=found.get("was_cut", False),
    )  # fmt: skip


def _read_rows(found: dict[str, Any]) -> QueryResult:
    return QueryResult(
        columns=tuple(ResultColumn(name=each["name"], kind=ColumnKind(each["kind"])) for each in found["columns"]),
        rows=tuple(map(tuple, found["rows"])), more=found["more"], seconds=found["seconds"],
    )  # fmt: skip


def _error(error: StoredError | None) -> dict[str, Any] | None:
    return None if error is None else {"template": error.template, "params": dict(error.params), "code": error.code}


def _read_error(found: dict[str, Any] | None) -> StoredError | None:
    return None if found is None else StoredError(**found)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
