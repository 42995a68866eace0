"""Read images and runs, restricted to their owner."""

from __future__ import annotations

from core.errors import NotFound
from core.grounding.records import GroundImage, GroundRun
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.unit_of_work import UnitOfWork


def own_image(work: UnitOfWork, user: User, image_id: str) -> GroundImage:
    """Return one of the person's images. Raises NotAllowed, NotFound."""
    require(user, Permission.CHAT)
    found = work.grounding.image(image_id)
    if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
        raise NotFound("This image does not exist. It may have been deleted.")
    return found


def own_run(work: UnitOfWork, user: User, run_id: str, permission: Permission = Permission.CHAT) -> tuple[GroundRun, GroundImage]:
    """Return one of the person's runs with its image. permission: the permission that the action needs. Raises NotAllowed, NotFound."""
    require(user, permission)
    run = work.grounding.run(run_id)
    image = work.grounding.image(run.image_id) if run is not None else None
    if run is None or image is None or not allows(user, permission, owner_id=run.user_id):
        raise NotFound("This run does not exist. Its image may have been deleted.")
    return run, image
