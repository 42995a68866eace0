"""Define steps, tasks, runs and results as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.portal.knowledge.queries import ResultOut
from api.portal.shapes import Asked, Line, Prose
from core.errors import StoredError
from core.knowledge.tables.records import ChartKind
from core.workflows.records import Output, Run, RunCost, Step, StepKind, StepResult, WorkflowTask
from core.workflows.steps_json import read, written


class StepFields(Asked):
    id: str = Field(pattern="^s[1-9][0-9]{0,2}$", description="s and a number. It stays when steps are reordered.")
    kind: Literal["query", "search", "read", "chart", "boxes", "write", "ask"]
    title: Line
    inputs: list[str] = Field(default=[], max_length=10, description="file1, file2 and so on, and ids of earlier steps.")
    text: Prose = Field(default="", description="SQL or what to query, words, phrases one a line, what to write, or the question.")
    chart: Literal["bar", "line", "scatter"] | None = Field(default=None, description="Of a chart.")
    x: Line = Field(default="", description="The column of a chart; empty for the first that suits.")
    y: list[Line] = Field(default=[], max_length=6, description="The columns with numbers; empty for all.")


def steps_of(fields: list[StepFields]) -> tuple[Step, ...]:
    return read([each.model_dump(exclude_none=True) for each in fields])


class StepOut(BaseModel):
    id: str
    kind: StepKind
    title: str
    inputs: list[str]
    text: str
    chart: ChartKind | None = None
    x: str = ""
    y: list[str] = []


def steps_out(steps: tuple[Step, ...]) -> list[StepOut]:
    return [StepOut(**each) for each in written(steps)]


class ErrorOut(BaseModel):
    message: str
    code: str

    @staticmethod
    def of(error: StoredError | None) -> ErrorOut | None:
        return None if error is None else ErrorOut(message=str(error), code=error.code)


class TaskFileOut(BaseModel):
    reference: str = Field(description="How steps name it.")
    id: str
    name: str


class TaskOut(BaseModel):
    id: str
    title: str
    request: str
    model: str | None
    steps: list[StepOut]
    files: list[TaskFileOut]
    version: int = Field(description="Counts changes of the steps.")
    planning: bool = Field(description="Whether a model is proposing steps.")
    planned_by: str = Field(description="The model that proposed the steps; empty if a person wrote them.")
    problem: ErrorOut | None = Field(description="Why the last proposal failed.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(task: WorkflowTask) -> TaskOut:
        return TaskOut(
            id=task.id, title=task.title, request=task.request, model=task.model, steps=steps_out(task.steps),
            files=[TaskFileOut(reference=each.reference, id=each.id, name=each.name) for each in task.files], version=task.version,
            planning=task.plan_job_id is not None, planned_by=task.planned_by, problem=ErrorOut.of(task.problem),
            created_at=task.created_at, updated_at=task.updated_at,
        )  # fmt: skip


class RunOut(BaseModel):
    id: str
    task_id: str
    title: str
    state: Literal["waiting", "running", "asking", "done", "failed", "cancelled"]
    version: int = Field(description="The version of the steps that was approved.")
    waits: bool = Field(description="Whether it waits for you before anything leaves the portal.")
    created_at: datetime
    ended_at: datetime | None
    error: ErrorOut | None

    @staticmethod
    def of(run: Run) -> RunOut:
        return RunOut(
            id=run.id, task_id=run.task_id, title=run.title, state=run.state.value, version=run.version, waits=run.waits,
            created_at=run.created_at,
            ended_at=run.ended_at, error=ErrorOut.of(run.error),
        )  # fmt: skip


class ListedTaskOut(TaskOut):
    last_run: RunOut | None


class BoxOut(BaseModel):
    left: float
    top: float
    right: float
    bottom: float
    label: str
    confidence: float | None


class OutputOut(BaseModel):
    text: str
    rows: ResultOut | None
    chart: ChartKind | None
    x: str
    y: list[str]
    boxes: list[BoxOut]
    was_cut: bool

    @staticmethod
    def of(output: Output) -> OutputOut:
        chart = output.chart
        return OutputOut(
            text=output.text, rows=None if output.rows is None else ResultOut.of(output.rows), chart=chart.kind if chart else None,
            x=chart.x if chart else "", y=list(chart.y) if chart else [], was_cut=output.was_cut,
            boxes=[
                BoxOut(left=box.left, top=box.top, right=box.right, bottom=box.bottom, label=box.label, confidence=box.confidence)
                for box in output.boxes
            ],
        )  # fmt: skip


class RunStepOut(StepOut):
    state: Literal["waiting", "running", "done", "failed", "asking", "skipped"]
    output: OutputOut | None
    asked: str = Field(default="", description="The SQL, the words or the prompt.")
    error: ErrorOut | None = None
    tries: int = 0
    started_at: datetime | None = None
    seconds: float = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    carried: bool = Field(default=False, description="Whether the result was taken over from an earlier run.")
    given: bool = Field(default=False, description="Whether you gave the result instead.")

    @staticmethod
    def of(step: Step, result: StepResult | None) -> RunStepOut:
        [shown] = written([step])
        if result is None:
            return RunStepOut(**shown, state="waiting", output=None)
        return RunStepOut(
            **shown, state=result.state.value, output=OutputOut.of(result.output), asked=result.asked, error=ErrorOut.of(result.error),
            tries=result.tries, started_at=result.started_at, seconds=round(result.seconds, 3), prompt_tokens=result.prompt_tokens,
            completion_tokens=result.completion_tokens, model=result.model, carried=result.carried,
            given=result.given,
        )  # fmt: skip


class CostOut(BaseModel):
    amounts: dict[str, float] = Field(description="By currency.")
    unknown: bool = Field(description="Whether an answer of a model has no price.")


class WholeRunOut(RunOut):
    steps: list[RunStepOut]
    cost: CostOut

    @staticmethod
    def of_steps(run: Run, results: Mapping[str, StepResult], cost: RunCost) -> WholeRunOut:
        steps = [RunStepOut.of(each, results.get(each.id)) for each in run.steps]
        return WholeRunOut(**RunOut.of(run).model_dump(), steps=steps, cost=CostOut(amounts=dict(cost.amounts), unknown=cost.unknown))
