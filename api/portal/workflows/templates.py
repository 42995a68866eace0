"""Serve templates of tasks: save, share, change and run them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, FileId, FolderId, Id, Line, Prose, at_least_one
from api.portal.workflows.shapes import RunOut, StepFields, StepOut, steps_of, steps_out
from api.services import PortalHere
from core.errors import InvalidInput
from core.prompts.records import Share
from core.workflows.templates.records import MAX_VALUE_LENGTH, FileSlot, ListedTemplate

router = APIRouter(prefix="/api/v1/task-templates", tags=["tasks"])

ShareWord = Literal["own", "group", "everyone"]


class SlotFields(Asked):
    name: Line = Field(description="What the file is called.")
    tables: list[Line] = Field(default=[], max_length=20, description="Names of its tables in SQL; empty for another kind of file.")
    image: bool = False


class NewTemplate(Asked):
    task_id: FolderId | None = Field(default=None, description="Save this task of yours; then nothing else is given.")
    title: Line = ""
    request: Prose = Field(default="", description="What is to be done. [month] and {{month}} are blanks.")
    model: Line | None = None
    steps: list[StepFields] = Field(default=[], max_length=100, description="In SQL, only {{month}} is a blank.")
    files: list[SlotFields] = Field(default=[], max_length=10, description="Files that are asked for at each run: file1, file2 and so on.")


class TemplateChange(Asked):
    version: int | None = Field(default=None, description="The version that the change is based on.")
    title: Line | None = None
    request: Prose | None = None
    model: Line | None = Field(default=None, description='"" for the default model.')
    steps: list[StepFields] | None = Field(default=None, max_length=100)
    share: ShareWord | None = Field(default=None, description="Who runs it beside its owner. Admins share with everyone.")


class TemplateRun(Asked):
    version: int = Field(description="The version of the template whose steps you approve.")
    values: dict[Line, Prose] = Field(default={}, max_length=20, description=f"For each blank, up to {MAX_VALUE_LENGTH} characters.")
    files: list[FileId] = Field(default=[], max_length=10, description="Ids of own files, in the order of the template's.")


class SlotOut(BaseModel):
    reference: str = Field(description="How steps name it.")
    name: str
    tables: list[str]
    image: bool


class TemplateOut(BaseModel):
    id: str
    title: str
    request: str
    model: str | None
    steps: list[StepOut]
    files: list[SlotOut]
    blanks: list[str] = Field(description="What is asked at each run, in order.")
    owner: str
    own: bool
    share: ShareWord
    group: str | None = Field(description="The group that it is shared with.")
    version: int = Field(description="Counts changes.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(listed: ListedTemplate) -> TemplateOut:
        found = listed.template
        return TemplateOut(
            id=found.id, title=found.title, request=found.request, model=found.model, steps=steps_out(found.steps),
            files=[
                SlotOut(reference=each.reference, name=each.name, tables=list(each.tables), image=each.is_image) for each in found.files
            ],
            blanks=list(listed.blanks), owner=listed.owner_name, own=listed.own, share=found.share.value, group=found.group or None,
            version=found.version, created_at=found.created_at, updated_at=found.updated_at,
        )  # fmt: skip


class TemplatesOut(BaseModel):
    items: list[TemplateOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> TemplatesOut:
    """List the templates that you may run: your own, your group's and those for everyone."""
    return TemplatesOut(items=[TemplateOut.of(each) for each in portal.task_templates.list(user)])


@router.post("", status_code=201)
def add(body: NewTemplate, portal: PortalHere, user: SignedIn) -> TemplateOut:
    """Save a template: of a task, or of steps that you send."""
    if body.task_id is not None:
        if body.model_fields_set != {"task_id"}:
            raise InvalidInput("Send task_id alone, or the title, the request and the steps.")
        made = portal.task_templates.save_task(user, body.task_id)
    else:
        slots = [
            FileSlot(position=at, name=each.name, tables=tuple(each.tables), is_image=each.image)
            for at, each in enumerate(body.files, 1)
        ]
        made = portal.task_templates.add(user, body.title, body.request, steps_of(body.steps), slots, body.model)
    return TemplateOut.of(portal.task_templates.get(user, made.id))


@router.get("/{template_id}")
def get(template_id: Id, portal: PortalHere, user: SignedIn) -> TemplateOut:
    return TemplateOut.of(portal.task_templates.get(user, template_id))


@router.patch("/{template_id}")
def change(template_id: Id, body: TemplateChange, portal: PortalHere, user: SignedIn) -> TemplateOut:
    """Change the fields that are sent."""
    texts = {"title": body.title, "request": body.request, "model": body.model}
    at_least_one(**texts, steps=body.steps, share=body.share)
    steps = None if body.steps is None else steps_of(body.steps)
    if steps is not None or any(each is not None for each in texts.values()):
        portal.task_templates.change(
            user, template_id, version=body.version, title=body.title, request=body.request, steps=steps, model=body.model
        )
    if body.share is not None:
        portal.task_templates.share(user, template_id, Share(body.share))
    return TemplateOut.of(portal.task_templates.get(user, template_id))


@router.delete("/{template_id}", status_code=204)
def remove(template_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete one of your templates. Tasks that it made stay."""
    portal.task_templates.remove(user, template_id)


@router.post("/{template_id}/runs", status_code=202)
def run(template_id: Id, body: TemplateRun, portal: PortalHere, user: SignedIn) -> RunOut:
    """Approve the steps with these values and files, and run them as a new task of yours."""
    return RunOut.of(portal.template_runs.run(user, template_id, body.version, body.values, body.files))
