"""Conversations: a list per person, and the transcript of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from core.chat.folders import own_folder
from core.chat.pending_deletions import Pending, PendingDeletions
from core.chat.records import Author, Conversation, Message, MessageStatus
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.people.accounts import clean_line
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.search.ports import SearchIndex
from core.search.records import DocumentKind, SearchQuery
from core.unit_of_work import Store, UnitOfWork

UNTITLED = ""
"""A conversation without a title takes it from its first question; pages show "New chat" until then."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of a transcript, and which of its versions it is (1 of 1 if there is no other)."""

    message: Message
    version: int
    versions: tuple[str, ...]
    """Ids of all versions of this message, oldest first."""


def own(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    """The person's conversation. Somebody else's is not found rather than forbidden: nobody learns that it exists."""
    require(user.role, Permission.CHAT)
    found = work.conversations.get(conversation_id)
    if found is None or not allows(user.role, Permission.CHAT, owner_id=found.user_id, user_id=user.id):
        raise NotFound("There is no such conversation. It may have been deleted.")
    return found


def own_to_change(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    """As `own`; until the end nobody else changes it, and no turn begins in it."""
    own(work, user, conversation_id)  # Before it is locked: nobody keeps somebody else's conversation waiting.
    found = work.conversations.for_change(conversation_id)
    if found is None:
        raise NotFound("There is no such conversation. It may have been deleted.")
    return found


def path(messages: Iterable[Message], head_id: str | None) -> list[Message]:
    """The messages from the first to `head_id`, following parents."""
    by_id = {message.id: message for message in messages}
    way: list[Message] = []
    here = by_id.get(head_id) if head_id else None
    while here is not None:
        way.append(here)
        here = by_id.get(here.parent_id) if here.parent_id else None
    return way[::-1]


def _deletable(work: UnitOfWork, user: User, conversation_id: str) -> Conversation:
    own(work, user, conversation_id)
    # The holds before the conversation, as retention locks them.
    if work.retention.is_held(user.id):
        raise Conflict("Your chats are under a legal hold and cannot be deleted now. Ask an admin.")
    conversation = own_to_change(work, user, conversation_id)
    if work.turns.streaming_in(conversation_id):
        raise Conflict("An answer is still running in this conversation. Stop it, then delete.")
    return conversation


class Conversations:
    def __init__(self, store: Store, search: SearchIndex, clock: Clock) -> None:
        self._store = store
        self._search = search
        self._clock = clock
        self._pending = PendingDeletions(self.delete)

    def list(
        self, user: User, limit: int = 100, before: datetime | None = None, folder_id: str | None = None
    ) -> Sequence[Conversation]:
        """Newest change first. folder_id: only those in this own folder, or in none (NO_FOLDER)."""
        require(user.role, Permission.CHAT)
        with self._store() as work:
            if folder_id:
                own_folder(work, user, folder_id)
            return self._kept(work.conversations.of_user(user.id, limit, before, folder_id))

    def find(self, user: User, text: str, limit: int = 50) -> Sequence[Conversation]:
        """Own conversations in whose title or messages all words of `text` occur, best first."""
        require(user.role, Permission.CHAT)
        hits = [
            hit.conversation_id
            for kind in (DocumentKind.CONVERSATION, DocumentKind.MESSAGE)
            for hit in self._search.search(SearchQuery(text=text, kind=kind, owner_id=user.id, limit=limit))
        ]
        with self._store() as work:
            return self._kept(work.conversations.by_ids(user.id, tuple(dict.fromkeys(hits))[:limit]))

    def _kept(self, conversations: Sequence[Conversation]) -> Sequence[Conversation]:
        return [each for each in conversations if each.id not in self._pending]

    def get(self, user: User, conversation_id: str) -> Conversation:
        with self._store() as work:
            return own(work, user, conversation_id)

    def new(self, user: User, title: str = UNTITLED, folder_id: str | None = None) -> Conversation:
        require(user.role, Permission.CHAT)
        now = self._clock()
        conversation = Conversation(
            id=uuid4().hex, user_id=user.id, title=clean_line(title), created_at=now, updated_at=now, folder_id=folder_id
        )
        with self._store() as work:
            if folder_id is not None:
                own_folder(work, user, folder_id)
            work.conversations.add(conversation)
            work.commit()
        return conversation

    def rename(self, user: User, conversation_id: str, title: str) -> Conversation:
        with self._store() as work:
            renamed = replace(own_to_change(work, user, conversation_id), title=clean_line(title), updated_at=self._clock())
            work.conversations.save(renamed)
            work.commit()
        return renamed

    def move(self, user: User, conversation_id: str, folder_id: str | None) -> Conversation:
        """Put it into an own folder, or into none. Its place among the newest stays."""
        with self._store() as work:
            conversation = own(work, user, conversation_id)
            if folder_id is not None:
                own_folder(work, user, folder_id)
            if folder_id != conversation.folder_id:
                work.conversations.move(conversation_id, folder_id)
                work.commit()
        return replace(conversation, folder_id=folder_id)

    def delete(self, user: User, conversation_id: str) -> None:
        """Raises Conflict while an answer is running, or while a legal hold keeps the person's chats."""
        with self._store() as work:
            _deletable(work, user, conversation_id)
            work.conversations.remove(conversation_id)
            work.commit()

    def delete_soon(self, user: User, conversation_id: str) -> None:
        """Hide it now and delete it in some seconds, unless it is restored. Raises Conflict as `delete` does."""
        with self._store() as work:
            conversation = _deletable(work, user, conversation_id)
        self._pending.add(user, conversation_id, conversation.title)

    def restore(self, user: User, conversation_id: str) -> None:
        """Take `delete_soon` back. Raises NotFound if it is too late."""
        if not self._pending.take_back(user, conversation_id):
            raise NotFound("It is too late to undo this: the chat is deleted.")

    def deleted_just_now(self, user: User) -> Sequence[Pending]:
        """What this person can still restore, the newest last."""
        return self._pending.of(user)

    def close(self) -> None:
        """Delete what waits for its deletion."""

        def person(user_id: str) -> User | None:
            with self._store() as work:
                return work.users.get(user_id)

        self._pending.close(person)

    def transcript(self, user: User, conversation_id: str) -> Sequence[Shown]:
        """The shown version of every message, first to last."""
        with self._store() as work:
            conversation = own(work, user, conversation_id)
            messages = work.messages.of_conversation(conversation_id)
        siblings: dict[tuple[str | None, Author], list[str]] = {}
        for message in messages:
            siblings.setdefault((message.parent_id, message.author), []).append(message.id)
        shown = []
        for message in path(messages, conversation.head_id):
            versions = tuple(siblings[message.parent_id, message.author])
            shown.append(Shown(message, versions.index(message.id) + 1, versions))
        return shown

    def message(self, user: User, message_id: str) -> Message:
        """One message of an own conversation, shown or not."""
        with self._store() as work:
            found = work.messages.get(message_id)
            if found is None:
                raise NotFound("There is no such message. It may have been deleted.")
            own(work, user, found.conversation_id)
        return found

    def reveal(self, user: User, conversation_id: str, message_id: str) -> None:
        """Have the transcript hold this message: if another version is shown, show the one it belongs to.

        Raises NotFound, and Conflict while an answer is running.
        """
        with self._store() as work:
            conversation = own(work, user, conversation_id)
            shown = path(work.messages.of_conversation(conversation_id), conversation.head_id)
        if all(message.id != message_id for message in shown):
            self.show_version(user, conversation_id, message_id)

    def show_version(self, user: User, conversation_id: str, message_id: str) -> None:
        """Show this version of a message, and the newest that follows it."""
        with self._store() as work:
            conversation = own_to_change(work, user, conversation_id)
            messages = work.messages.of_conversation(conversation_id)
            if not any(message.id == message_id for message in messages):
                raise NotFound("There is no such message in this conversation.")
            if any(message.status is MessageStatus.STREAMING for message in messages):
                raise Conflict("An answer is still running in this conversation. Stop it first.")
            head = message_id
            while following := [message.id for message in messages if message.parent_id == head]:
                head = following[-1]
            work.conversations.save(replace(conversation, head_id=head))
            work.commit()
