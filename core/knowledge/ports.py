"""Declare the repository of files and the reader of documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.knowledge.records import StoredFile

OnPlace = Callable[[int], None]
"""Told a document's position in the queue while it waits; 1 is next."""


class EncodingDetector(Protocol):
    def guess(self, content: bytes) -> str | None:
        """The encoding of a text that is not Unicode, as core.knowledge.encodings names it; None where nothing fits."""
        ...


class DocumentReader(Protocol):
    def text(self, name: str, content: bytes, person: str = "", on_place: OnPlace | None = None) -> str:
        """What is written in a PDF or Word document, normalized. `name` is what a person calls it, for the sentences.

        person: whose it is; readers are shared fairly between people. on_place: called now and then while it waits for its turn.

        Raises InvalidInput for one that cannot be read: damaged, encrypted, without text as a scan is, or too long to read; Busy where
        no reader is free in time; Unavailable where none can start.
        """
        ...


class FileRepository(Protocol):
    """Files wait without a conversation until a question takes them with it.

    After add, until the end, nobody else adds a file of this person's: how many wait then can be relied on.
    """

    def add(self, file: StoredFile, content: bytes, text: str | None = None) -> None:
        """text: what was read out of a document; None where the content is text itself."""
        ...

    def get(self, file_id: str) -> StoredFile | None: ...
    def content(self, file_id: str) -> bytes:
        """What was added; empty if there is no such file any more."""
        ...

    def text(self, file_id: str) -> str | None:
        """What was read out of a document; None for another file, and for one that is gone."""
        ...

    def attach(self, message_id: str, conversation_id: str, file_ids: Sequence[str]) -> None:
        """The files belong to this conversation from now on, and are shown with this message in the order given. Call it after
        the message was added; several messages of one conversation, the versions of a question, may show the same file."""
        ...

    def set_encoding(self, file_id: str, encoding: str) -> None: ...
    def waiting(self, user_id: str) -> Sequence[StoredFile]:
        """Those of this person without a conversation, oldest first."""
        ...

    def remove_waiting(self, file_id: str) -> None:
        """No effect on a file that has a conversation."""
        ...

    def waiting_since(self, before: datetime, limit: int) -> Sequence[str]:
        """Ids of files without a conversation that were added before this moment, nobody's under a hold."""
        ...
