"""Keep summaries in the database, or in memory for chats that are never stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.chat.context.records import Summary
from core.unit_of_work import UnitOfWorkFactory


class SummaryStore(Protocol):
    """Keeps summaries of conversations."""

    def of_conversation(self, conversation_id: str) -> Sequence[Summary]: ...
    def add(self, summary: Summary) -> bool:
        """Keep a summary. Returns False if its conversation is gone."""
        ...


class StoredSummaries:
    """Keeps the summaries of stored conversations in the database."""

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    def of_conversation(self, conversation_id: str) -> Sequence[Summary]:
        with self._unit_of_work() as work:
            return work.summaries.of_conversation(conversation_id)

    def add(self, summary: Summary) -> bool:
        with self._unit_of_work() as work:
            if work.conversations.for_change(summary.conversation_id) is None:
                return False
            work.summaries.add(summary)
            work.commit()
        return True


class PassingSummaries:
    """Keeps the summaries of temporary chats in memory only."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Summary, ...]] = {}

    def begin(self, chat_id: str) -> None:
        self._kept[chat_id] = ()

    def forget(self, chat_id: str) -> None:
        self._kept.pop(chat_id, None)

    def of_conversation(self, conversation_id: str) -> Sequence[Summary]:
        return self._kept.get(conversation_id, ())

    def add(self, summary: Summary) -> bool:
        before = self._kept.get(summary.conversation_id)
        if before is None:
            return False
        self._kept[summary.conversation_id] = (*before, summary)
        return True
