"""Save tasks as templates, and share, change and remove templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.knowledge.files import own_file
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.prompts.records import Share
from core.prompts.sharing import group_after_sharing, sees
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.workflows.plan_checks import check_steps
from core.workflows.records import RunLimits, Step
from core.workflows.tasks import checked_request, checked_title, own_task
from core.workflows.templates.filling import blanks_of
from core.workflows.templates.records import MAX_BLANKS, MAX_TEMPLATES, FileSlot, ListedTemplate, TaskTemplate

GONE = "This template does not exist. It may have been removed."
ONLY_OWNER = "Only its owner can share this template."


class TaskTemplates:
    """Manages templates. People share their own with their group; people who may run models share them with everyone."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, privacy: PrivacyFilter, clock: Clock, limits: RunLimits) -> None:
        self._unit_of_work = unit_of_work
        self._privacy = privacy
        self._clock = clock
        self._limits = limits

    def list(self, user: User) -> Sequence[ListedTemplate]:
        """List the templates that this person may run: their own first, then their group's, then those for everyone."""
        require(user, Permission.RUN_TASKS)
        with self._unit_of_work() as work:
            found = [_listed(work, user, each) for each in work.task_templates.visible(user.id, user.group)]
        return sorted(found, key=lambda each: (not each.own, each.template.share is Share.EVERYONE))

    def get(self, user: User, template_id: str) -> ListedTemplate:
        """Return a template. Raises NotFound, also for one that this person may not see."""
        with self._unit_of_work() as work:
            return _listed(work, user, seen(work, user, template_id))

    def save_task(self, user: User, task_id: str) -> TaskTemplate:
        """Save one of the person's tasks as a template that asks for files like its files. Raises NotFound, InvalidInput, Conflict."""
        with self._unit_of_work() as work:
            task = own_task(work, user, task_id)
            stored = [(each.position, own_file(work, user, each.id)) for each in task.files]
        slots = [
            FileSlot(position=at, name=file.name, tables=tuple(table.name for table in file.tables), is_image=file.is_image)
            for at, file in stored
        ]
        return self.add(user, task.title, task.request, task.steps, slots, task.model)

    def add(
        self, user: User, title: str, request: str, steps: Sequence[Step], files: Sequence[FileSlot] = (), model: str | None = None
    ) -> TaskTemplate:
        """Save a template. Raises NotAllowed, InvalidInput, PersonalData, and Conflict at the limit."""
        now = self._clock()
        made = self._checked(user, TaskTemplate(
            id=uuid4().hex, owner_id=user.id, title=title, request=request, model=model or None, steps=tuple(steps), files=tuple(files),
            created_at=now, updated_at=now,
        ))  # fmt: skip
        with self._unit_of_work() as work:
            if work.task_templates.count_of(user.id) >= MAX_TEMPLATES:
                raise Conflict("You have {number} templates, which is the limit. Remove one first.", number=MAX_TEMPLATES)
            work.task_templates.add(made)
            record(work, now, user.id, "template.add", made.id)
            work.commit()
        return made

    def change(
        self, user: User, template_id: str, *, version: int | None = None, title: str | None = None, request: str | None = None,
        steps: Sequence[Step] | None = None, model: str | None = None,
    ) -> TaskTemplate:  # fmt: skip
        """Change one of the person's templates. version: the one that was read. model: "" for the default model.

        Raises NotFound, NotAllowed, InvalidInput, PersonalData, and Conflict if it was changed meanwhile.
        """
        with self._unit_of_work() as work:
            before = _own(work, user, template_id)
            if version is not None and version != before.version:
                raise Conflict("The template was changed meanwhile. Load it again.")
            changed = replace(
                before, title=before.title if title is None else title, request=before.request if request is None else request,
                steps=before.steps if steps is None else tuple(steps), model=before.model if model is None else model or None,
            )  # fmt: skip
            changed = self._checked(user, changed)
            if changed != before:
                changed = replace(changed, version=before.version + 1, updated_at=self._clock())
                work.task_templates.save(changed)
                record(work, self._clock(), user.id, "template.change", template_id)
                work.commit()
        return changed

    def share(self, user: User, template_id: str, share: Share) -> TaskTemplate:
        """Choose who runs a template. Raises NotFound, NotAllowed, and InvalidInput for a person without a group.

        Owners may share with their group. Sharing with everyone, or withdrawing it from everyone, needs the right to run models.
        """
        with self._unit_of_work() as work:
            before = seen(work, user, template_id, lock=True)
            group = group_after_sharing(user, before, share, ONLY_OWNER)
            if before.owner_id != user.id and share is not Share.OWN:
                raise NotAllowed(ONLY_OWNER)
            changed = replace(before, share=share, group=group)
            if (share, group) != (before.share, before.group):
                work.task_templates.save(changed)
                action = {Share.OWN: "template.withdraw", Share.GROUP: "template.share", Share.EVERYONE: "template.publish"}[share]
                record(work, self._clock(), user.id, action, template_id, **({"group": group} if group else {}))
            work.commit()
        return changed

    def remove(self, user: User, template_id: str) -> None:
        """Delete one of the person's templates. Tasks that it made stay. Raises NotFound, NotAllowed."""
        with self._unit_of_work() as work:
            _own(work, user, template_id)
            work.task_templates.remove(template_id)
            record(work, self._clock(), user.id, "template.remove", template_id)
            work.commit()

    def _checked(self, user: User, template: TaskTemplate) -> TaskTemplate:
        require(user, Permission.RUN_TASKS)
        if [each.position for each in template.files] != list(range(1, len(template.files) + 1)):
            raise InvalidInput("The files of a template must be numbered from 1.")
        check_steps(template.steps, [each.as_file() for each in template.files], self._limits.steps)
        title, request = checked_title(template.title), checked_request(self._privacy, user, template.request)
        if len(found := blanks_of(title, request, template.steps)) > MAX_BLANKS:
            raise InvalidInput("A template can have at most {limit} blanks; this one has {n}.", n=len(found), limit=MAX_BLANKS)
        return replace(template, title=title, request=request)


def seen(work: UnitOfWork, user: User, template_id: str, *, lock: bool = False) -> TaskTemplate:
    """Return a template that the person may run. Raises NotAllowed, NotFound."""
    require(user, Permission.RUN_TASKS)
    found = work.task_templates.lock(template_id) if lock else work.task_templates.get(template_id)
    if found is None or not sees(user, found):
        raise NotFound(GONE)
    return found


def _own(work: UnitOfWork, user: User, template_id: str) -> TaskTemplate:
    """Return and lock one of the person's templates. Raises NotFound, NotAllowed."""
    found = seen(work, user, template_id, lock=True)
    if found.owner_id != user.id:
        raise NotAllowed("Only its owner can change this template. Save a task of it as a template of your own.")
    return found


def _listed(work: UnitOfWork, user: User, template: TaskTemplate) -> ListedTemplate:
    owner = user if template.owner_id == user.id else work.users.get(template.owner_id)
    return ListedTemplate(
        template=template, blanks=blanks_of(template.title, template.request, template.steps),
        owner_name=(owner.full_name or owner.name) if owner else "", own=template.owner_id == user.id,
        may_publish=allows(user, Permission.RUN_MODELS),
    )  # fmt: skip
