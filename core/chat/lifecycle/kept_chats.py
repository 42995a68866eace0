"""Keep a temporary chat: store it as a conversation, because its person asks for it."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from core.chat.records import Conversation
from core.chat.temporary import TemporaryChats
from core.chat.titling.titles import title_of
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory


class KeptChats:
    """Stores temporary chats of the person who asks for it."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, temporary: TemporaryChats, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._temporary = temporary
        self._clock = clock

    def keep(self, user: User, chat_id: str) -> str:
        """Store the messages, end the temporary chat, and return the id of the conversation.

        Figures of the answers are not kept with them, since their generation rows name no message. Raises NotFound once the chat is
        gone, and Conflict while an answer is running in it.
        """
        if self._temporary.running(user, chat_id) is not None:
            raise Conflict("An answer is still running in this conversation. Wait for it or stop it.")
        messages = [each.message for each in self._temporary.transcript(user, chat_id)]
        if not messages:
            raise NotFound("There is nothing to keep yet. Ask a question first.")
        made = Conversation(
            id=uuid4().hex, user_id=user.id, title=title_of(messages[0].text), created_at=messages[0].created_at,
            updated_at=self._clock(), head_id=messages[-1].id,
        )  # fmt: skip
        with self._unit_of_work() as work:
            work.conversations.add(made)
            for each in messages:
                work.messages.add(replace(each, conversation_id=made.id))
            work.commit()
        self._temporary.leave(user, chat_id)
        return made.id
