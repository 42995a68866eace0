"""Create, list, open and revoke read-only links to snapshots of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from core.bounds import within
from core.chat.conversations import branch_to, own, own_to_change
from core.chat.records import MessageStatus
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.notices.giving import share_received
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import Group, User
from core.privacy.filter import PrivacyFilter
from core.sharing.records import Audience, Share, SharedChat
from core.sharing.snapshots import messages_of, snapshot_of
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_DAYS = 366
MAX_LINKS = 50
"""Most links of one conversation."""
NOTHING = "There is nothing here. The link may be wrong, expired or revoked, or it was not made for you."
"""The error for every link that cannot be opened, whatever the reason, so that the existence of a snapshot is not revealed."""


class Shares:
    """Shares a person's own conversations inside the portal. A group that forbids exports forbids sharing too."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, privacy: PrivacyFilter) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._privacy = privacy

    def audiences(self, user: User) -> Sequence[Audience]:
        """List the groups that this person may share with: their own and those they manage, or all for people who may manage users."""
        require(user, Permission.CHAT)
        require(user, Permission.EXPORT)
        with self._unit_of_work() as work:
            return [Audience(each.id, each.name) for each in work.groups.all() if _may_name(user, each)]

    def create(
        self, user: User, conversation_id: str, *, group_id: str | None = None, days: int | None = 30, masked: bool = False
    ) -> Share:
        """Create a link to the current transcript of a conversation. Later messages are not part of it.

        group_id: the group that may open it; None: everyone who is signed in. days: until it expires; None: never. masked: mask personal
        data.
        Raises NotFound, NotAllowed, InvalidInput, and Conflict while an answer is running.
        """
        require(user, Permission.EXPORT)
        within("days", days, 1, MAX_DAYS)
        mask = self._privacy.shared(user) if masked else self._privacy.exported(user)
        now = self._clock()
        with self._unit_of_work() as work:
            conversation = own_to_change(work, user, conversation_id)
            group = work.groups.get(group_id) if group_id is not None else None
            if group_id is not None and (group is None or not _may_name(user, group)):
                raise NotFound("This group does not exist, or you may not share with it.")
            shown = branch_to(work.messages.of_conversation(conversation_id), conversation.head_id)
            if any(message.status is MessageStatus.STREAMING for message in shown):
                raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
            if not any(message.text for message in shown):
                raise InvalidInput("There is nothing to share in this chat yet. Ask something first.")
            if len(work.shares.of_conversation(conversation_id)) >= MAX_LINKS:
                raise InvalidInput("A chat can have at most {most} links. Revoke one first.", most=MAX_LINKS)
            share = Share(
                id=uuid4().hex,
                conversation_id=conversation_id,
                user_id=user.id,
                title=mask(conversation.title),
                group_id=group_id,
                group=group.name if group else "",
                masked=masked,
                created_at=now,
                expires_at=now + timedelta(days=days) if days is not None else None,
            )
            work.shares.add(share, snapshot_of(shown, mask))
            if group is not None:
                members = [each.id for each in work.users.in_group(group.name) if each.id != user.id and each.active]
                share_received(work, now, members, share.title, share.id)
            record(work, now, user.id, "share.create", conversation_id, share=share.id, group=share.group, masked=str(masked).lower())
            work.commit()
        return share

    def of_conversation(self, user: User, conversation_id: str) -> Sequence[Share]:
        """List the working links of the person's own conversation, newest first."""
        with self._unit_of_work() as work:
            own(work, user, conversation_id)
            found = work.shares.of_conversation(conversation_id)
        return [each for each in found if not _is_over(each, self._clock())]

    def open(self, user: User, share_id: str) -> SharedChat:
        """Return the contents of a link. Raises NotFound, with the same sentence for every reason."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            share = self._visible(work, user, share_id)
            owner = work.users.get(share.user_id)
            snapshot = work.shares.snapshot(share_id)
        if owner is None or not owner.active or snapshot is None:
            raise NotFound(NOTHING)
        return SharedChat(share, owner.full_name, messages_of(snapshot))

    def revoke(self, user: User, share_id: str) -> None:
        """Revoke one of the person's links at once, and delete its snapshot unless a legal hold applies. Raises NotFound."""
        require(user, Permission.CHAT)
        now = self._clock()
        with self._unit_of_work() as work:
            held = work.retention.is_held(user.id)
            share = work.shares.get(share_id)
            if share is None or share.user_id != user.id or _is_over(share, now):
                raise NotFound("This link does not exist. It may have been revoked already.")
            if held:
                work.shares.end(share_id, now)
            else:
                work.shares.remove(share_id)
            record(work, now, user.id, "share.revoke", share.conversation_id, share=share_id)
            work.commit()

    def _visible(self, work: UnitOfWork, user: User, share_id: str) -> Share:
        share = work.shares.get(share_id)
        if share is None or _is_over(share, self._clock()):
            raise NotFound(NOTHING)
        if share.user_id != user.id and share.group_id is not None and (not share.group or share.group != user.group):
            raise NotFound(NOTHING)
        return share


def _is_over(share: Share, now: datetime) -> bool:
    return share.expires_at is not None and share.expires_at <= now


def _may_name(user: User, group: Group) -> bool:
    return group.name == user.group or user.name in group.managers or allows(user, Permission.MANAGE_PEOPLE)
