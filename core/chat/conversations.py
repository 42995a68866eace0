"""List a person's conversations and show the transcript of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from core.bounds import within
from core.chat.context.reading import branch_to as branch_to
from core.chat.folders import own_folder
from core.chat.pending_deletions import Pending, PendingDeletions
from core.chat.records import Author, Conversation, Message, MessageStatus
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.search.ports import SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_AT_ONCE = 500
"""Most conversations that one request may delete."""
_TOOL = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_TOOLS_OFF = 64
UNTITLED = ""
"""The title of a conversation until its first question names it. Pages show "New chat" instead."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of a transcript, and its version number (1 of 1 if it has no other versions)."""

    message: Message
    version: int
    versions: tuple[str, ...]
    """Ids of all versions of this message, oldest first."""


def checked_names(tools: Sequence[str], field: str = "tools_off") -> tuple[str, ...]:
    """Return names of tools in order. Raises InvalidInput for what can be no name of a tool. field: what people sent them as."""
    within(field, len(set(tools)), 0, MAX_TOOLS_OFF)
    for each in tools:
        if not _TOOL.fullmatch(each):
            raise InvalidInput("{name} is no name of a tool.", name=each[:80])
    return tuple(sorted(set(tools)))


def own(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    """Return a person's own conversation. Raise NotFound for someone else's, so that its existence is not revealed."""
    require(user, Permission.CHAT)
    found = work.conversations.get(conversation_id)
    if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
        raise NotFound("This conversation does not exist. It may have been deleted.")
    return found


def own_message(work: UnitOfWork, user: User, message_id: str, permission: Permission = Permission.CHAT) -> Message:
    """Return a message of one of the person's own conversations. Raise NotFound for someone else's, as if it did not exist.

    permission: the permission that the caller's action needs.
    """
    require(user, permission)
    found = work.messages.get(message_id)
    conversation = work.conversations.get(found.conversation_id) if found else None
    if found is None or conversation is None or not allows(user, permission, owner_id=conversation.user_id):
        raise NotFound("This message does not exist. It may have been deleted.")
    return found


def own_to_change(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    """Return and lock a person's own conversation. Until the transaction ends, no other can change it or start a turn in it."""
    own(work, user, conversation_id)  # Check before locking, so that nobody can block someone else's conversation.
    found = work.conversations.for_change(conversation_id)
    if found is None:
        raise NotFound("This conversation does not exist. It may have been deleted.")
    return found


def _several(ids: Sequence[str]) -> list[str]:
    """Return the ids without duplicates, in sorted order, so that every request takes its locks in the same order."""
    within("ids", len(ids), 1, MAX_AT_ONCE)
    return sorted(set(ids))


def _deletable(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    own(work, user, conversation_id)
    # Lock the holds before the conversation, in the same order as retention.
    if work.retention.is_held(user.id):
        raise Conflict("Your chats are under a legal hold and cannot be deleted. Ask an admin.")
    conversation = own_to_change(work, user, conversation_id)
    if work.turns.streaming_in(conversation_id):
        raise Conflict("An answer is still running in this conversation. Stop it before you delete the conversation.")
    return conversation


class Conversations:
    """Lists, opens, changes and deletes a person's own conversations."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, search: SearchIndex, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._search = search
        self._clock = clock
        self._pending = PendingDeletions(self.delete)

    def list(
        self,
        user: User,
        limit: int = 100,
        before: datetime | None = None,
        folder_id: str | None = None,
        *,
        archived: bool = False,
        pinned: bool | None = None,
    ) -> Sequence[Conversation]:
        """List conversations, most recently changed first. folder_id: only those in this folder, or in no folder (NO_FOLDER).

        archived: list archived conversations instead of the others. pinned: True lists only pinned ones, False only the others.
        """
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            if folder_id:
                own_folder(work, user, folder_id)
            return self._kept(work.conversations.of_user(user.id, limit, before, folder_id, archived=archived, pinned=pinned))

    def find(self, user: User, text: str, limit: int = 50) -> Sequence[Conversation]:
        """Find the person's conversations whose title or messages contain all words of `text`, best match first."""
        require(user, Permission.CHAT)
        hits = [
            hit.conversation_id
            for kind in (DocumentKind.CONVERSATION, DocumentKind.MESSAGE)
            for hit in self._search.search(SearchQuery(text=text, kind=kind, owner_id=user.id, limit=limit))
        ]
        with self._unit_of_work() as work:
            return self._kept(work.conversations.by_ids(user.id, tuple(dict.fromkeys(hits))[:limit]))

    def _kept(self, conversations: Sequence[Conversation]) -> Sequence[Conversation]:
        return [each for each in conversations if each.id not in self._pending]

    def get(self, user: User, conversation_id: str) -> Conversation:
        with self._unit_of_work() as work:
            return own(work, user, conversation_id)

    def new(
        self, user: User, title: str = UNTITLED, folder_id: str | None = None, *, uses_instructions: bool = True,
        uses_memory: bool = True, tools_off: Sequence[str] = (),
    ) -> Conversation:
        require(user, Permission.CHAT)
        now = self._clock()
        conversation = Conversation(
            id=uuid4().hex, user_id=user.id, title=clean_line(title), created_at=now, updated_at=now, folder_id=folder_id,
            uses_instructions=uses_instructions, uses_memory=uses_memory, tools_off=checked_names(tools_off),
        )  # fmt: skip
        with self._unit_of_work() as work:
            if folder_id is not None:
                own_folder(work, user, folder_id)
            work.conversations.add(conversation)
            work.commit()
        return conversation

    def rename(self, user: User, conversation_id: str, title: str) -> Conversation:
        with self._unit_of_work() as work:
            renamed = replace(own_to_change(work, user, conversation_id), title=clean_line(title), updated_at=self._clock())
            work.conversations.save(renamed)
            work.commit()
        return renamed

    def move(self, user: User, conversation_id: str, folder_id: str | None) -> Conversation:
        """Move a conversation into one of the person's folders, or out of its folder. Its position in the list does not change."""
        with self._unit_of_work() as work:
            conversation = own(work, user, conversation_id)
            if folder_id is not None:
                own_folder(work, user, folder_id)
            if folder_id != conversation.folder_id:
                work.conversations.move(conversation_id, folder_id)
                work.commit()
        return replace(conversation, folder_id=folder_id)

    def delete(self, user: User, conversation_id: str) -> None:
        """Delete a conversation. Raises Conflict while an answer is running or a legal hold applies."""
        with self._unit_of_work() as work:
            _deletable(work, user, conversation_id)
            work.conversations.remove(conversation_id)
            record(work, self._clock(), user.id, "conversation.delete", conversation_id)
            work.commit()

    def discard(self, conversation: Conversation) -> None:
        """Remove a new conversation whose first question was refused. Conversations with messages stay."""
        with self._unit_of_work() as work:
            if not work.messages.of_conversation(conversation.id):
                work.conversations.remove(conversation.id)
                work.commit()

    def delete_soon(self, user: User, conversation_id: str) -> None:
        """Hide a conversation now and delete it in a few seconds unless it is restored. Raises Conflict as `delete` does."""
        with self._unit_of_work() as work:
            conversation = _deletable(work, user, conversation_id)
        self._pending.add(user, conversation_id, conversation.title)

    def delete_many_soon(self, user: User, ids: Sequence[str]) -> None:
        """Call `delete_soon` for several, which are restored together. Raises Conflict and deletes none if one cannot be deleted."""
        found = []
        for conversation_id in _several(ids):
            with self._unit_of_work() as work:
                found.append(_deletable(work, user, conversation_id))
        group = uuid4().hex
        for each in found:
            self._pending.add(user, each.id, each.title, group)

    def delete_many(self, user: User, ids: Sequence[str]) -> int:
        """Delete several conversations; returns how many. Raises NotFound, Conflict and deletes none if one cannot be deleted."""
        with self._unit_of_work() as work:
            found = [_deletable(work, user, conversation_id) for conversation_id in _several(ids)]
            for each in found:
                work.conversations.remove(each.id)
                record(work, self._clock(), user.id, "conversation.delete", each.id)
            work.commit()
        return len(found)

    def restore(self, user: User, conversation_id: str) -> None:
        """Undo `delete_soon` for all conversations that were deleted together. Raises NotFound if it is too late."""
        if not self._pending.take_back(user, conversation_id):
            raise NotFound("It is too late to undo: the chat has been deleted.")

    def deleted_just_now(self, user: User) -> Sequence[Pending]:
        """Return the conversations that this person can still restore, newest last."""
        return self._pending.of(user)

    def close(self) -> None:
        """Carry out all pending deletions now."""

        def person(user_id: str) -> User | None:
            with self._unit_of_work() as work:
                return work.users.get(user_id)

        self._pending.close(person)

    def transcript(self, user: User, conversation_id: str) -> Sequence[Shown]:
        """Return the shown version of every message, first to last."""
        with self._unit_of_work() as work:
            conversation = own(work, user, conversation_id)
            messages = work.messages.of_conversation(conversation_id)
        siblings: dict[tuple[str | None, Author], list[str]] = {}
        for message in messages:
            siblings.setdefault((message.parent_id, message.author), []).append(message.id)
        shown = []
        for message in branch_to(messages, conversation.head_id):
            versions = tuple(siblings[message.parent_id, message.author])
            shown.append(Shown(message, versions.index(message.id) + 1, versions))
        return shown

    def message(self, user: User, message_id: str) -> Message:
        """Return one message of the person's own conversations, whether or not its version is shown."""
        with self._unit_of_work() as work:
            return own_message(work, user, message_id)

    def messages(self, user: User, ids: Sequence[str]) -> Sequence[Message]:
        """Return some messages of the person's own conversations, in the order of the ids. Raises NotFound if one does not exist."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            found = {each.id: each for each in work.messages.by_ids(user.id, ids)}
        if any(each not in found for each in ids):
            raise NotFound("This message does not exist. It may have been deleted.")
        return [found[each] for each in ids]

    def reveal(self, user: User, conversation_id: str, message_id: str) -> None:
        """Make the transcript show this message, by switching to the version it belongs to.

        Raises NotFound, and Conflict while an answer is running.
        """
        with self._unit_of_work() as work:
            conversation = own(work, user, conversation_id)
            shown = branch_to(work.messages.of_conversation(conversation_id), conversation.head_id)
        if all(message.id != message_id for message in shown):
            self.show_version(user, conversation_id, message_id)

    def show_version(self, user: User, conversation_id: str, message_id: str) -> None:
        """Show this version of a message and the newest messages that follow it."""
        with self._unit_of_work() as work:
            conversation = own_to_change(work, user, conversation_id)
            messages = work.messages.of_conversation(conversation_id)
            if not any(message.id == message_id for message in messages):
                raise NotFound("This message is not in this conversation.")
            if any(message.status is MessageStatus.STREAMING for message in messages):
                raise Conflict("An answer is still running in this conversation. Stop it first.")
            head = message_id
            while following := [message.id for message in messages if message.parent_id == head]:
                head = following[-1]
            work.conversations.save(replace(conversation, head_id=head))
            work.commit()
