"""Decide which tools a chat offers to whom. People switch them off for a conversation."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from core.chat.context.reading import branch_to
from core.chat.conversations import checked_names, own, own_to_change
from core.chat.records import Conversation, Message, Turn
from core.chat.tools.approval import StoredDecisions
from core.chat.tools.records import ChatTool
from core.chat.tools.table_tool import table_tool
from core.clock import Clock
from core.errors import PortalError
from core.inference.gateway import Gateway
from core.inference.records import ServedModel
from core.inference.requests import Tool
from core.knowledge.records import StoredFile
from core.knowledge.tables.queries import TableQueries
from core.people.audit_events import record, record_alone
from core.people.permissions import Permission, require
from core.people.records import User
from core.plugins.offered_tool import OfferedTool
from core.plugins.records import Chat, FoundChat, Person, ToolContext
from core.plugins.records import ChatMessage as PluginMessage
from core.plugins.service import Plugins
from core.search.records import MARK_END, MARK_START
from core.search.search import FoundItem, Search
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

MAX_TOOLS = 24
"""Most tools that a chat offers: the model reads the definitions of all of them."""
MAX_FOUND = 50
"""Most results of a tool's search."""
MIN_TABLES_CONTEXT = 4096
"""The fewest tokens of a context window in which the description of tables and the rows of a query leave room for a chat."""


def calls_tools(model: ServedModel | None) -> bool:
    """Tell whether a chat may offer tools to a model: any that runs here except the guide, and others if known."""
    if model is None or model.guide:
        return False
    return model.owner == "portal" if model.tools is None else model.tools


def definition(tool: OfferedTool) -> Tool:
    """Return the tool as the model reads it."""
    parameters = json.dumps(tool.tool.parameters, ensure_ascii=False)
    return Tool(name=tool.name, description=tool.tool.description, parameters=parameters)


class ChatTools:
    """Lists the tools of chats, and switches them on and off."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, plugins: Plugins, clock: Clock, search: Search,
        tables: TableQueries | None = None,
    ) -> None:  # fmt: skip
        """tables: lets models query the tables of a chat."""
        self._tables = tables
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._plugins = plugins
        self._clock = clock
        self._search = search

    def list(self, user: User, conversation_id: str | None = None, model: str | None = None) -> Sequence[ChatTool]:
        """Return the tools that a model of this person would be offered; none if it cannot call tools. Raises NotFound.

        conversation_id: None for a chat that has not begun yet.
        """
        require(user, Permission.CHAT)
        off: tuple[str, ...] = ()
        allowed: tuple[str, ...] = ()
        if conversation_id is not None:
            with self._unit_of_work() as work:
                conversation = own(work, user, conversation_id)
                off, allowed = conversation.tools_off, conversation.tools_allowed
        return [
            ChatTool(
                name=each.name, title=each.tool.title, description=each.tool.description, plugin=each.plugin, on=each.name not in off,
                asks=each.tool.changes, allowed=each.tool.changes and each.name in allowed,
            )
            for each in self._all(user, model)
        ]  # fmt: skip

    def switch_off(self, user: User, conversation_id: str, names: Sequence[str]) -> Conversation:
        """Switch these tools off for a conversation, and all others on. Raises NotFound, InvalidInput."""
        with self._unit_of_work() as work:
            changed = replace(own_to_change(work, user, conversation_id), tools_off=checked_names(names))
            work.conversations.save(changed)
            work.commit()
        return changed

    def allow(self, user: User, conversation_id: str, names: Sequence[str]) -> Conversation:
        """Let these tools change something in a conversation without asking; all others ask. Raises NotFound, InvalidInput."""
        wanted = checked_names(names, "tools_allowed")
        with self._unit_of_work() as work:
            before = own_to_change(work, user, conversation_id)
            changed = replace(before, tools_allowed=wanted)
            work.conversations.save(changed)
            for name in sorted(set(wanted) - set(before.tools_allowed)):
                record(work, self._clock(), user.id, "tool.allow", name, conversation=conversation_id, scope="chat")
            work.commit()
        return changed

    def offered(
        self, user: User, model: str | None, off: Sequence[str], chosen: ServedModel | None = None,
        files: Sequence[StoredFile] = (),
    ) -> Sequence[OfferedTool]:  # fmt: skip
        """Return the tools that an answer of this model may use. A failure to read them offers none.

        chosen: the model that `model` means for this person; None: it has not been looked up. files: those of the chat.
        """
        queried = self._tables if chosen is None or self.queries_tables(chosen) else None
        tables = table_tool(queried, user, files) if queried is not None else None
        return [each for each in self._all(user, model, chosen, tables) if each.name not in off]

    def context(self, user: User, conversation_id: str, stopped: Callable[[], bool]) -> ToolContext:
        """Return what a tool gets beside its arguments. conversation_id: empty in a temporary chat."""
        return ToolContext(
            person=Person(id=user.id, group=user.group, language=user.language),
            conversation_id=conversation_id,
            now=self._clock(),
            stopped=stopped,
            search_chats=lambda words, most: self._found(user, conversation_id, words, most),
            read_chat=lambda chat_id: self._read(user, chat_id),
        )

    def queries_tables(self, model: ServedModel | None) -> bool:
        """Tell whether a model can query the tables of a chat. One that cannot reads them as text."""
        if self._tables is None or model is None or not calls_tools(model):
            return False
        return not model.context or model.context >= MIN_TABLES_CONTEXT  # 0: not known

    def now(self) -> datetime:
        return self._clock()

    def record_call(self, user: User, tool: OfferedTool, conversation_id: str) -> None:
        """Note in the audit log that a tool was called that may have changed something."""
        details = {"plugin": tool.plugin, "conversation": conversation_id}
        try:
            record_alone(self._unit_of_work, self._clock(), user.id, "tool.call", tool.name, **details)
        except PortalError as problem:
            log.error("the call of the tool %s could not be noted: %s", tool.name, problem)

    def note_timeout(self, user: User, tool: str, conversation_id: str) -> None:
        """Note in the audit log that nobody allowed a step of this person in time."""
        details = {"conversation": conversation_id, "person": user.id, "reason": "timeout"}
        try:
            record_alone(self._unit_of_work, self._clock(), None, "tool.refuse", tool, **details)
        except PortalError as problem:
            log.error("the refusal of the tool %s could not be noted: %s", tool, problem)

    def stored_decisions(self, turn: Turn) -> StoredDecisions:
        """Return what the person decided in the chat of a turn."""
        return StoredDecisions(self._unit_of_work, turn.conversation_id, turn.id)

    def checked(self, user: User) -> Callable[[str], str]:
        """Return a function for results: the model reads them like a question, and people see them in the answer. Raises PersonalData."""
        incoming, exported = self._gateway.privacy.incoming(user), self._gateway.privacy.exported(user)
        return lambda text: exported(incoming(text) if incoming is not None else text)

    def _all(
        self, user: User, model: str | None = None, chosen: ServedModel | None = None, tables: OfferedTool | None = None
    ) -> Sequence[OfferedTool]:
        if chosen is not None and not calls_tools(chosen):
            return []
        tools = [*([tables] if tables else []), *self._plugins.tools(user)][:MAX_TOOLS]
        # Finding the model reads the database; most answers are offered no tool.
        return tools if tools and calls_tools(chosen or self._gateway.chat_model(user, model)) else []

    def _found(self, user: User, conversation_id: str, words: str, most: int) -> Sequence[FoundChat]:
        """Search the person's own chats but the one that the answer is written in. Raises PortalError."""
        most = max(1, min(most, MAX_FOUND))
        items = self._search.find(user, words, limit=min(2 * most, MAX_FOUND)).items
        return [_found(each) for each in items if each.conversation_id != conversation_id][:most]

    def _read(self, user: User, chat_id: str) -> Chat | None:
        try:
            with self._unit_of_work() as work:
                conversation = own(work, user, chat_id)
                shown = branch_to(work.messages.of_conversation(chat_id), conversation.head_id)
        except PortalError:
            return None
        return Chat(title=conversation.title, updated_at=conversation.updated_at, messages=tuple(map(_message, shown)))


def _found(item: FoundItem) -> FoundChat:
    return FoundChat(
        chat_id=item.conversation_id or "", title=item.title, author=item.author.value if item.author else "",
        text=item.snippet.replace(MARK_START, "").replace(MARK_END, ""), at=item.at,
    )  # fmt: skip


def _message(message: Message) -> PluginMessage:
    return PluginMessage(
        author=message.author.value, text=message.text, created_at=message.created_at,
        model=message.generation.model if message.generation else "", files=tuple(file.name for file in message.files),
    )  # fmt: skip
