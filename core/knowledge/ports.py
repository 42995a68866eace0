"""Declare the repository of files and the reader of documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.knowledge.records import StoredFile
from core.knowledge.tables.records import Table
from core.people.records import User

OnQueuePosition = Callable[[int], None]
"""Receives a document's queue position while it waits; 1 is next."""


class EncodingDetector(Protocol):
    """Guesses the encoding of text files."""

    def guess(self, content: bytes) -> str | None:
        """Return the encoding of a text that is not Unicode, a key of core.knowledge.encodings.ENCODINGS; None if none fits."""
        ...


class DocumentReader(Protocol):
    """Reads PDF and Word documents."""

    def text(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> str:
        """Extract the normalized text of a PDF or Word document. `name` is used in error sentences.

        person: the owner; readers are shared fairly between people. on_queue_position: receives the queue position from time to time.

        Raises InvalidInput if the document is damaged, encrypted, without text (a scan) or too long; Busy if no reader is free in time;
        Unavailable if none can start.
        """
        ...


class OtherReaders(Protocol):
    """Readers that plugins add to the portal's own."""

    def endings(self, user: User) -> Sequence[str]:
        """Return the endings of the names of files that plugins read for this person, such as ".eml"."""
        ...

    def read(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None) -> str | None:
        """Return the text of a file; None if no plugin reads it, or if the plugin failed.

        Raises InvalidInput with the plugin's own sentence, Busy, and any error that on_queue_position raises.
        """
        ...


class FileRepository(Protocol):
    """Stores files. A file has no conversation until a question takes it.

    After add, no other transaction can add a file of this person until this one ends.
    """

    def add(self, file: StoredFile, content: bytes, text: str | None = None) -> None:
        """Insert a file. text: the extracted text of a document; None if the content itself is text."""
        ...

    def get(self, file_id: str) -> StoredFile | None: ...
    def content(self, file_id: str) -> bytes:
        """Return the content; empty if the file no longer exists."""
        ...

    def text(self, file_id: str) -> str | None:
        """Return the extracted text of a document; None for other files and for missing ones."""
        ...

    def attach(self, message_id: str, conversation_id: str, file_ids: Sequence[str]) -> None:
        """Assign the files to this conversation and show them with this message, in the given order.

        Call this after adding the message. Several versions of a question may show the same file.
        """
        ...

    def any_in(self, conversation_id: str) -> bool:
        """Tell whether a conversation has files."""
        ...

    def set_encoding(self, file_id: str, encoding: str, tables: Sequence[Table]) -> None:
        """Store how a text is read, and the tables that it has then."""
        ...

    def waiting(self, user_id: str) -> Sequence[StoredFile]:
        """List this person's files without a conversation or task, oldest first."""
        ...

    def remove_waiting(self, file_id: str) -> bool:
        """Delete a file that has neither conversation nor task. Returns False for others, and leaves them."""
        ...

    def waiting_since(self, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of files without a conversation or task added before this time, except those of people under a legal hold."""
        ...
