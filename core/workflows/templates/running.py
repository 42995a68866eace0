"""Run a template: fill it, order it as a task of the person, and start that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import Conflict, InvalidInput
from core.knowledge.files import own_file
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.records import Run
from core.workflows.runs import WorkflowRuns
from core.workflows.tasks import WorkflowTasks
from core.workflows.templates.filling import blanks_of, checked_values, fill
from core.workflows.templates.library import seen


class TemplateRuns:
    """Runs templates. A run belongs to a task of whoever runs the template, and has that person's rights."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, tasks: WorkflowTasks, runs: WorkflowRuns) -> None:
        self._unit_of_work = unit_of_work
        self._tasks = tasks
        self._runs = runs

    def run(self, user: User, template_id: str, version: int, values: Mapping[str, str], files: Sequence[str] = ()) -> Run:
        """Approve the steps of a template in this version with these values, and run them as a new task.

        values: by name of the blank. files: ids of own files, in the order of the template's. Raises NotAllowed, NotFound, InvalidInput,
        PersonalData, and Conflict if the template was changed meanwhile.
        """
        with self._unit_of_work() as work:
            template = seen(work, user, template_id)
            if template.version != version:
                raise Conflict("The template was changed meanwhile. Read its steps again, then run it.")
            if len(files) != len(template.files):
                if not template.files:
                    raise InvalidInput("This template reads no files.")
                names = ", ".join(each.name for each in template.files)
                raise InvalidInput("The template needs one file for each of these, in this order: {names}.", names=names)
            if len(set(files)) < len(files):
                raise InvalidInput("Give each file once. Attach it twice if it is needed twice.")
            stored = [own_file(work, user, each) for each in files]
        checked = checked_values(blanks_of(template.title, template.request, template.steps), values)
        ready = fill(template, checked, stored)
        task = self._tasks.add(user, ready.request, files, template.model, ready.steps, ready.title, template_id=template.id)
        return self._runs.start(user, task.id, task.version)
