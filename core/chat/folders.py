"""Manage folders, in which a person groups conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.chat.records import Folder
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_FOLDERS = 100
MAX_NAME_LENGTH = 60


def own_folder(work: UnitOfWork, user: User, folder_id: str) -> Folder:
    """Return a person's own folder. Raise NotFound for someone else's, so that its existence is not revealed."""
    require(user, Permission.CHAT)
    found = work.folders.get(folder_id)
    if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
        raise NotFound("This folder does not exist. It may have been deleted.")
    return found


class Folders:
    """Creates, renames and removes folders. The Conversations service moves conversations into them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def list(self, user: User) -> Sequence[Folder]:
        """List the folders by name."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return sorted(work.folders.of_user(user.id), key=lambda folder: folder.name.casefold())

    def new(self, user: User, name: str) -> Folder:
        """Create a folder. Raises InvalidInput for an invalid name, Conflict if the name is taken or there are too many."""
        require(user, Permission.CHAT)
        folder = Folder(id=uuid4().hex, user_id=user.id, name=_usable(name), created_at=self._clock())
        with self._unit_of_work() as work:
            work.folders.add(folder)
            if len(work.folders.of_user(user.id)) > MAX_FOLDERS:
                raise Conflict("You have {number} folders, which is the limit. Delete one first.", number=MAX_FOLDERS)
            _check_unique(work, folder)
            work.commit()
        return folder

    def rename(self, user: User, folder_id: str, name: str) -> Folder:
        """Rename a folder. Raises as `new` does."""
        name = _usable(name)
        with self._unit_of_work() as work:
            renamed = replace(own_folder(work, user, folder_id), name=name)
            work.folders.rename(folder_id, name)
            _check_unique(work, renamed)
            work.commit()
        return renamed

    def remove(self, user: User, folder_id: str) -> None:
        """Remove a folder. Its conversations stay, without a folder."""
        with self._unit_of_work() as work:
            own_folder(work, user, folder_id)
            work.folders.remove(folder_id)
            record(work, self._clock(), user.id, "folder.delete", folder_id)
            work.commit()


def _usable(name: str) -> str:
    name = clean_line(name)
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput("A folder name must have 1 to {number} characters.", number=MAX_NAME_LENGTH)
    return name


def _check_unique(work: UnitOfWork, folder: Folder) -> None:
    """Raise Conflict unless the name is unique. Call this after writing: no other transaction can then add a name for this person."""
    for other in work.folders.of_user(folder.user_id):
        if other.id != folder.id and other.name.casefold() == folder.name.casefold():
            raise Conflict("You already have a folder named {name}.", name=other.name)
