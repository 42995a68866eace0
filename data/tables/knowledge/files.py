"""Define the tables of files, and of the messages that show them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class FileTable(Table):
    """An attached file; its content is in file_parts."""

    __tablename__ = "files"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    """None until a question uses the file."""
    name: Mapped[str] = mapped_column(SealedProse("files.name"))
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    encoding: Mapped[str | None] = mapped_column(String(20))
    """Encoding of a text file; None for documents, and for files of earlier releases."""
    tables: Mapped[str | None] = mapped_column(SealedProse("files.tables"))
    """The tables that can be queried, as JSON; None if it has none."""


class FilePartTable(Table):
    """A chunk of a file's content, ordered by number. Chunks are small, so that no row is large for a backup or a key change."""

    __tablename__ = "file_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)
    extracted: Mapped[bool]
    """Whether this is the extracted text of a document, rather than the document."""
    content: Mapped[bytes] = mapped_column(SealedBytes("file_parts.content"))


class AttachmentTable(Table):
    """A file that a message shows. place: position among the message's files; 0 is the first."""

    __tablename__ = "attachments"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int]
