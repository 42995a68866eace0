"""Serve runs of tasks: approve, watch, answer, cancel, and read the result."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.shapes import Asked, Id, Prose
from api.portal.workflows.shapes import RunOut, RunStepOut, WholeRunOut
from api.services import PortalHere
from core.workflows.results import ResultFormat

router = APIRouter(prefix="/api/v1", tags=["tasks"])
STEP = "^s[1-9][0-9]{0,2}$"


class Approval(Asked):
    version: int = Field(description="The version of the steps that you approve.")
    from_step: str | None = Field(default=None, pattern=STEP, description="Do this step again, and all that depends on it.")
    fresh: bool = Field(default=False, description="Do every step again, also those whose result still holds.")
    waits: bool = Field(default=False, description="Wait for you before anything leaves the portal.")


class StepAnswer(Asked):
    text: Prose


class Skipped(Asked):
    step: str = Field(pattern=STEP, description="A step that failed in this run.")
    instead: Prose = Field(default="", description="Its result, in your words; empty to leave out the steps that read it, too.")


class RunsOut(BaseModel):
    items: list[RunOut]


class ResultOut(BaseModel):
    steps: list[RunStepOut] = Field(description="The steps that no other step reads, as far as they are done.")


class ChatOut(BaseModel):
    conversation_id: str


@router.post("/tasks/{task_id}/runs", status_code=202)
def start(task_id: Id, body: Approval, portal: PortalHere, user: SignedIn) -> RunOut:
    """Approve the steps and run them. Results of the last run that still hold are taken over."""
    run = portal.workflow_runs.start(
        user, task_id, body.version, from_step=body.from_step, fresh=body.fresh, waits=body.waits
    )  # fmt: skip
    return RunOut.of(run)


@router.get("/tasks/{task_id}/runs")
def listing(task_id: Id, portal: PortalHere, user: SignedIn, limit: int = 20) -> RunsOut:
    """List the runs of a task, newest first."""
    return RunsOut(items=[RunOut.of(each) for each in portal.workflow_runs.list(user, task_id, limit)])


@router.get("/task-runs/{task_run_id}")
def get(task_run_id: Id, portal: PortalHere, user: SignedIn) -> WholeRunOut:
    """Return a run with what each step asked, made and took."""
    cost = portal.workflow_runs.cost(user, task_run_id)
    return WholeRunOut.of_steps(*portal.workflow_runs.get(user, task_run_id), cost)


@router.post("/task-runs/{task_run_id}/cancel")
def cancel(task_run_id: Id, portal: PortalHere, user: SignedIn) -> RunOut:
    """Stop a run and keep the results of its steps."""
    return RunOut.of(portal.workflow_runs.cancel(user, task_run_id))


@router.post("/task-runs/{task_run_id}/answer")
def answer(task_run_id: Id, body: StepAnswer, portal: PortalHere, user: SignedIn) -> RunOut:
    """Answer the question of a run in the state asking, which then goes on."""
    return RunOut.of(portal.workflow_runs.answer(user, task_run_id, body.text))


@router.post("/task-runs/{task_run_id}/let-leave")
def let_leave(task_run_id: Id, portal: PortalHere, user: SignedIn) -> RunOut:
    """Let a run that waits for it send its inputs to models outside of the portal."""
    return RunOut.of(portal.workflow_runs.let_leave(user, task_run_id))


@router.post("/task-runs/{task_run_id}/skip", status_code=202)
def skip(task_run_id: Id, body: Skipped, portal: PortalHere, user: SignedIn) -> RunOut:
    """Run the task again without a step that failed, and without the steps that read it, unless you give its result."""
    return RunOut.of(portal.workflow_runs.skip(user, task_run_id, body.step, body.instead))


@router.get("/task-runs/{task_run_id}/result")
def result(task_run_id: Id, portal: PortalHere, user: SignedIn) -> ResultOut:
    """Return the result of a run."""
    return ResultOut(steps=[RunStepOut.of(step, found) for step, found in portal.workflow_results.last(user, task_run_id)])


@router.get("/task-runs/{task_run_id}/export", response_class=Response)
def export(
    task_run_id: Id, portal: PortalHere, user: SignedIn, format: ResultFormat, step: Annotated[str | None, Query(pattern=STEP)] = None
) -> Response:
    """Download the result; as CSV the rows of one step."""
    file = portal.workflow_results.export(user, task_run_id, format, step)
    return download(file.content, file.media_type, file.name)


@router.post("/task-runs/{task_run_id}/chat", status_code=201)
def open_as_chat(task_run_id: Id, portal: PortalHere, user: SignedIn) -> ChatOut:
    """Begin a chat with the request and the result, to go on asking."""
    return ChatOut(conversation_id=portal.workflow_results.open_as_chat(user, task_run_id))
