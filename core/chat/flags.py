"""Pin and archive conversations, set them to read or unread, and switch memory and instructions on or off for them."""

from __future__ import annotations

from dataclasses import replace

from core.chat.conversations import own, own_to_change
from core.chat.records import Conversation
from core.clock import Clock
from core.notices.records import NoticeKind
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory


class ConversationFlags:
    """Changes flags of a person's own conversations. They do not change the order of the list."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def pin(self, user: User, conversation_id: str, pinned: bool) -> Conversation:
        """Pin a conversation or unpin it. Raises NotFound."""
        with self._unit_of_work() as work:
            found = own_to_change(work, user, conversation_id)
            changed = replace(found, pinned_at=(found.pinned_at or self._clock()) if pinned else None)
            work.conversations.save(changed)
            work.commit()
        return changed

    def archive(self, user: User, conversation_id: str, archived: bool) -> Conversation:
        """Archive a conversation, which also unpins it, or take it out of the archive. Raises NotFound."""
        with self._unit_of_work() as work:
            found = own_to_change(work, user, conversation_id)
            if archived:
                changed = replace(found, archived_at=found.archived_at or self._clock(), pinned_at=None)
            else:
                changed = replace(found, archived_at=None)
            work.conversations.save(changed)
            work.commit()
        return changed

    def set_unread(self, user: User, conversation_id: str, unread: bool) -> Conversation:
        """Mark a conversation as unread, or as read. Raises NotFound."""
        with self._unit_of_work() as work:
            found = own(work, user, conversation_id)
            if found.unread != unread:
                work.conversations.set_unread(conversation_id, unread)
                if not unread:
                    work.notices.settle(user.id, NoticeKind.ANSWER_READY, conversation_id, self._clock())
                work.commit()
        return replace(found, unread=unread)

    def use_memory(self, user: User, conversation_id: str, on: bool) -> Conversation:
        """Switch the use and the proposal of memories on or off for a conversation. Raises NotFound."""
        with self._unit_of_work() as work:
            changed = replace(own_to_change(work, user, conversation_id), uses_memory=on)
            work.conversations.save(changed)
            work.commit()
        return changed

    def use_instructions(self, user: User, conversation_id: str, on: bool) -> Conversation:
        """Switch the person's and the group's instructions on or off for a conversation. Raises NotFound."""
        with self._unit_of_work() as work:
            changed = replace(own_to_change(work, user, conversation_id), uses_instructions=on)
            work.conversations.save(changed)
            work.commit()
        return changed
