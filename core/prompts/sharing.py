"""Decide who sees what a person shares, and who may share it: prompts, collections and templates of tasks."""

from __future__ import annotations

from typing import Protocol

from core.errors import InvalidInput, NotAllowed
from core.people.permissions import Permission, require
from core.people.records import User
from core.prompts.records import Share


class Shared(Protocol):
    """What a person owns and may share."""

    @property
    def owner_id(self) -> str: ...
    @property
    def share(self) -> Share: ...
    @property
    def group(self) -> str: ...


def sees(user: User, thing: Shared) -> bool:
    """Tell whether a person sees a thing: its owner, its group, or everyone."""
    if thing.owner_id == user.id or thing.share is Share.EVERYONE:
        return True
    return thing.share is Share.GROUP and thing.group == user.group != ""


def group_after_sharing(user: User, thing: Shared, share: Share, only_owner: str) -> str:
    """Return the group that sees a thing once it is shared so, or "". Raises NotAllowed, InvalidInput.

    Owners share with their group. Sharing with everyone, or withdrawing it, needs the right to run models. only_owner: the refusal.
    """
    if Share.EVERYONE in (share, thing.share) and share is not thing.share:
        require(user, Permission.RUN_MODELS)
    elif thing.owner_id != user.id:
        raise NotAllowed(only_owner)
    if share is not Share.GROUP:
        return ""
    if not user.group:
        raise InvalidInput("You are in no group. Ask an admin to add you to one.")
    return user.group
