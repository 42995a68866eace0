"""Serve tasks: order, plan, change and remove them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FileId, Id, Line, Prose
from api.portal.workflows.shapes import ListedTaskOut, RunOut, StepFields, TaskOut, steps_of
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class NewTask(Asked):
    request: Prose = Field(description="What is to be done, at most 8,000 characters.")
    title: Line = ""
    files: list[FileId] = Field(default=[], max_length=50, description="Ids of own uploads, at most 10. The task takes them.")
    model: Line | None = Field(default=None, description="The model that plans and writes; null for the default.")
    steps: list[StepFields] = Field(default=[], max_length=100, description="Steps of your own. Empty to have a model propose them.")


class TaskChange(Asked):
    version: int | None = Field(default=None, description="The version that the new steps are based on.")
    title: Line | None = None
    request: Prose | None = None
    model: Line | None = Field(default=None, description='"" for the default model.')
    steps: list[StepFields] | None = Field(default=None, max_length=100)


class TasksOut(BaseModel):
    items: list[ListedTaskOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn, limit: int = 50) -> TasksOut:
    """List your tasks, each with its newest run, most recently changed first."""
    found = portal.workflow_tasks.list(user, limit)
    return TasksOut(
        items=[ListedTaskOut(**TaskOut.of(task).model_dump(), last_run=RunOut.of(run) if run else None) for task, run in found]
    )


@router.post("", status_code=201)
def add(body: NewTask, portal: PortalHere, user: SignedIn) -> TaskOut:
    """Order a task. Nothing runs before it is approved."""
    return TaskOut.of(portal.workflow_tasks.add(user, body.request, body.files, body.model, steps_of(body.steps), body.title))


@router.get("/{task_id}")
def get(task_id: Id, portal: PortalHere, user: SignedIn) -> TaskOut:
    return TaskOut.of(portal.workflow_tasks.get(user, task_id))


@router.patch("/{task_id}")
def change(task_id: Id, body: TaskChange, portal: PortalHere, user: SignedIn) -> TaskOut:
    """Change the given fields."""
    steps = None if body.steps is None else steps_of(body.steps)
    return TaskOut.of(
        portal.workflow_tasks.change(
            user, task_id, version=body.version, title=body.title, request=body.request, steps=steps, model=body.model
        )
    )


@router.delete("/{task_id}", status_code=204)
def remove(task_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a task with its runs and its files."""
    portal.workflow_tasks.remove(user, task_id)


@router.post("/{task_id}/plan", status_code=202)
def plan(task_id: Id, portal: PortalHere, user: SignedIn) -> TaskOut:
    """Have a model propose the steps. GET the task until `planning` is false."""
    return TaskOut.of(portal.workflow_tasks.plan(user, task_id))


@router.delete("/{task_id}/plan")
def cancel_plan(task_id: Id, portal: PortalHere, user: SignedIn) -> TaskOut:
    """Stop a proposal."""
    return TaskOut.of(portal.workflow_tasks.cancel_plan(user, task_id))
