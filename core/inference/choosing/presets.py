"""Create, publish and remove presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.inference.offers import MAX_PRESETS, Preset
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.prompts.sharing import sees
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

GONE = "There is no preset {preset}. It may have been removed."


class Presets:
    """Manages presets, for those who run the models; people ask presets through the gateway, like models."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def list(self, user: User) -> Sequence[Preset]:
        """List all presets by name, drafts too."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.offers.presets()

    def get(self, user: User, name: str) -> Preset:
        """Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return _found(work, name)

    def save(self, user: User, preset: Preset, *, new: bool = False) -> Preset:
        """Store a preset, in place of the one with its name.

        Raises Conflict if it must be new and the name is taken, or at the limit, and NotFound for a collection that this person may not
        read and that the preset did not have before.
        """
        require(user, Permission.RUN_MODELS)
        now = self._clock()
        with self._unit_of_work() as work:
            before = work.offers.preset(preset.name)
            if new and before is not None:
                raise Conflict("A preset named {preset} exists already. Choose another name, or change that one.", preset=preset.name)
            if before is None and len(work.offers.presets()) >= MAX_PRESETS:
                raise Conflict("There are {number} presets, which is the limit. Remove one first.", number=MAX_PRESETS)
            _check_collections(work, user, preset, before)
            saved = replace(preset, created_at=before.created_at if before else now, updated_at=now, updated_by=user.id)
            work.offers.put_preset(saved)
            record(work, now, user.id, "preset.save", preset.name, model=preset.model)
            if saved.published != (before is not None and before.published):
                record(work, now, user.id, "preset.publish" if saved.published else "preset.withdraw", preset.name)
            _mark(work, before, saved)
            work.commit()
        return saved

    def publish(self, user: User, name: str, *, published: bool) -> Preset:
        """Offer a preset to everyone who may use its model, or make it a draft again. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            before = _found(work, name)
            if before.published == published:
                return before
            now = self._clock()
            changed = replace(before, published=published, updated_at=now, updated_by=user.id)
            work.offers.put_preset(changed)
            record(work, now, user.id, "preset.publish" if published else "preset.withdraw", name)
            _mark(work, before, changed)
            work.commit()
        return changed

    def remove(self, user: User, name: str) -> None:
        """Remove a preset and its access rule. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            before, now = _found(work, name), self._clock()
            work.offers.remove_preset(name)
            record(work, now, user.id, "preset.remove", name)
            _mark(work, before, replace(before, published=False, updated_at=now))
            work.commit()


def _check_collections(work: UnitOfWork, user: User, preset: Preset, before: Preset | None) -> None:
    for id in preset.collections:
        found = work.collections.get(id)
        if (found is None or not sees(user, found)) and (before is None or id not in before.collections):
            raise NotFound("This collection does not exist. It may have been removed.")


def _mark(work: UnitOfWork, before: Preset | None, after: Preset) -> None:
    """Mark in charts what people notice: a preset that is offered, changed while it is offered, or withdrawn."""
    offered = before is not None and before.published
    if offered or after.published:
        state = "withdrawn" if not after.published else "changed" if offered else "offered"
        mark(work, after.updated_at, Change.PRESET, after.name, state=state)


def _found(work: UnitOfWork, name: str) -> Preset:
    found = work.offers.preset(name)
    if found is None:
        raise NotFound(GONE, preset=name[:200])
    return found
