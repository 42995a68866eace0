"""Make, rename, share, list and remove collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.clock import Clock
from core.documents.access import locked, own, seen
from core.documents.records import MAX_COLLECTIONS, MAX_NAME_LENGTH, Collection, CollectionName, Counts, ListedCollection
from core.errors import Conflict, InvalidInput, NotAllowed
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.prompts.records import Share
from core.prompts.sharing import group_after_sharing
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

ONLY_OWNER = "Only its owner can share this collection."
HELD = "Your chats are under a legal hold and cannot be deleted. Ask an admin."


class Collections:
    """Manages collections. People share their own with their group; people who may run models share them with everyone."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def list(self, user: User) -> Sequence[ListedCollection]:
        """List the collections that this person may read: their own first, then their group's, then those for everyone."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            listed = _listed(work, user, work.collections.visible(user.id, user.group))
        return sorted(listed, key=lambda each: (not each.own, each.collection.share is Share.EVERYONE))

    def choices(self, user: User) -> Sequence[CollectionName]:
        """Return the names of the collections that this person may read, for a menu."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            found = work.collections.visible(user.id, user.group)
        return [CollectionName(each.id, each.name) for each in found]

    def get(self, user: User, collection_id: str) -> ListedCollection:
        """Return a collection. Raises NotFound, also for one that this person may not read."""
        with self._unit_of_work() as work:
            return _listed(work, user, [seen(work, user, collection_id)])[0]

    def add(self, user: User, name: str) -> Collection:
        """Make a collection. Raises InvalidInput, and Conflict at the limit."""
        require(user, Permission.CHAT)
        require(user, Permission.UPLOAD)
        now = self._clock()
        collection = Collection(
            id=uuid4().hex, owner_id=user.id, name=_checked_name(name), share=Share.OWN, group="", version=0, created_at=now, updated_at=now
        )  # fmt: skip
        with self._unit_of_work() as work:
            if work.collections.count_of(user.id) >= MAX_COLLECTIONS:
                raise Conflict("You have {number} collections, which is the limit. Remove one first.", number=MAX_COLLECTIONS)
            work.collections.add(collection)
            record(work, now, user.id, "collection.add", collection.id)
            work.commit()
        return collection

    def rename(self, user: User, collection_id: str, name: str) -> Collection:
        """Rename one of the person's collections. Raises NotFound, NotAllowed, InvalidInput."""
        name = _checked_name(name)
        with self._unit_of_work() as work:
            changed = replace(own(work, user, collection_id), name=name, updated_at=self._clock())
            work.collections.save(changed)
            record(work, self._clock(), user.id, "collection.rename", collection_id)
            work.commit()
        return changed

    def share(self, user: User, collection_id: str, share: Share) -> Collection:
        """Choose who reads a collection. Raises NotFound, NotAllowed, and InvalidInput for a person without a group.

        Owners may share with their group. Sharing with everyone, or withdrawing it from everyone, needs the right to run models.
        """
        with self._unit_of_work() as work:
            before = locked(work, user, collection_id)
            group = group_after_sharing(user, before, share, ONLY_OWNER)
            if before.owner_id != user.id and share is not Share.OWN:
                raise NotAllowed(ONLY_OWNER)
            changed = replace(before, share=share, group=group)
            work.collections.save(changed)
            if (share, group) != (before.share, before.group):
                action = {Share.OWN: "collection.withdraw", Share.GROUP: "collection.share", Share.EVERYONE: "collection.publish"}[share]
                record(work, self._clock(), user.id, action, collection_id, **({"group": group} if group else {}))
            work.commit()
        return changed

    def remove(self, user: User, collection_id: str) -> None:
        """Delete one of the person's collections with its documents and passages. Raises NotFound, NotAllowed, Conflict."""
        with self._unit_of_work() as work:
            own(work, user, collection_id)
            if work.retention.is_held(user.id):
                raise Conflict(HELD)
            work.collections.remove(collection_id)
            record(work, self._clock(), user.id, "collection.remove", collection_id)
            work.commit()


def _listed(work: UnitOfWork, user: User, found: Sequence[Collection]) -> list[ListedCollection]:
    counts = work.collections.counts([each.id for each in found])
    owners = {each.owner_id: work.users.get(each.owner_id) for each in found if each.owner_id != user.id}
    return [
        ListedCollection(
            collection=each,
            owner_name=(owner.full_name or owner.name) if (owner := owners.get(each.owner_id, user)) else "",
            own=each.owner_id == user.id,
            may_publish=allows(user, Permission.RUN_MODELS),
            counts=counts.get(each.id, Counts()),
        )
        for each in found
    ]


def _checked_name(name: str) -> str:
    name = clean_line(name)
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidInput("A collection needs a name of 1 to {most} characters.", most=MAX_NAME_LENGTH)
    return name
