"""Run a template: fill it, order it as a task of the person, and start that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import Conflict, InvalidInput
from core.knowledge.files import own_file
from core.knowledge.records import StoredFile
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.workflows.records import Run
from core.workflows.runs import WorkflowRuns
from core.workflows.tasks import WorkflowTasks
from core.workflows.templates.filling import blanks_of, check_files, checked_values, fill
from core.workflows.templates.library import seen
from core.workflows.templates.records import TaskTemplate


class TemplateRuns:
    """Runs templates. A run belongs to a task of whoever runs the template, and has that person's rights."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, tasks: WorkflowTasks, runs: WorkflowRuns) -> None:
        self._unit_of_work = unit_of_work
        self._tasks = tasks
        self._runs = runs

    def run(
        self, user: User, template_id: str, version: int, values: Mapping[str, str], files: Sequence[str] = (), *, waits: bool = False
    ) -> Run:
        """Approve the steps of a template in this version with these values, and run them as a new task.

        values: by name of the blank. files: ids of own files, in the order of the template's. waits: whether the run waits for the
        person before anything leaves the portal. Raises NotAllowed, NotFound, InvalidInput, PersonalData, and Conflict if the template
        was changed meanwhile.
        """
        with self._unit_of_work() as work:
            template = seen(work, user, template_id)
            if template.version != version:
                raise Conflict("The template was changed meanwhile. Read its steps again, then run it.")
            stored = ready_files(work, user, template, files)
        ready = fill(template, ready_values(template, values), stored)
        task = self._tasks.add(user, ready.request, files, template.model, ready.steps, ready.title, template_id=template.id)
        return self._runs.start(user, task.id, task.version, waits=waits)


def ready_values(template: TaskTemplate, values: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each blank of a template. Raises InvalidInput."""
    return checked_values(blanks_of(template.title, template.request, template.steps), values)


def ready_files(work: UnitOfWork, user: User, template: TaskTemplate, ids: Sequence[str]) -> list[StoredFile]:
    """Return the person's files for a template, in its order. Raises NotFound, InvalidInput."""
    if len(ids) != len(template.files):
        if not template.files:
            raise InvalidInput("This template reads no files.")
        names = ", ".join(each.name for each in template.files)
        raise InvalidInput("The template needs one file for each of these, in this order: {names}.", names=names)
    if len(set(ids)) < len(ids):
        raise InvalidInput("Give each file once. Attach it twice if it is needed twice.")
    found = [own_file(work, user, each) for each in ids]
    check_files(template, found)
    return found
