"""Offer steps to begin with, which follow from the kinds of files: nobody needs a model for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.knowledge.tables.records import ChartKind
from core.workflows.records import DrawnColumns, Step, StepKind, WorkflowTask
from pages.shell.words import t


def starter_steps(task: WorkflowTask) -> tuple[Step, ...]:
    """Return steps for the first table, document or image of a task; without files, a search of the person's chats."""
    steps: list[Step] = []
    table = next((each for each in task.files if each.has_tables), None)
    image = next((each for each in task.files if each.is_image), None)
    document = next((each for each in task.files if not each.has_tables and not each.is_image), None)
    if table is not None:
        steps.append(_step(steps, StepKind.QUERY, t("Query the table"), t("The ten rows with the largest values"), table.reference))
        steps.append(replace(_step(steps, StepKind.CHART, t("Draw the rows"), "", "s1"), chart=DrawnColumns(ChartKind.BAR)))
    if document is not None:
        steps.append(_step(steps, StepKind.READ, t("Read the document"), "", document.reference))
    if image is not None:
        steps.append(_step(steps, StepKind.BOXES, t("Find boxes on the image"), task.request, image.reference))
    if not steps:
        steps.append(_step(steps, StepKind.SEARCH, t("Search your chats"), task.title))
    read = [each.id for each in steps if each.kind is not StepKind.CHART]
    steps.append(_step(steps, StepKind.WRITE, t("Write the answer"), task.request, *read))
    return tuple(steps)


def _step(before: Sequence[Step], kind: StepKind, title: str, text: str, *inputs: str) -> Step:
    return Step(id=f"s{len(before) + 1}", kind=kind, title=title, text=text, inputs=inputs)
