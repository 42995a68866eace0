"""Define the tables of responses, files and batches of programs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import StoredError
from core.programs.records import BatchStatus, FilePurpose
from data.columns import ErrorText
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class ResponseTable(Table):
    """Stored responses. Input and body are JSON as text, encrypted if encryption is on."""

    __tablename__ = "responses"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    input: Mapped[str] = mapped_column(SealedProse("responses.input"))
    body: Mapped[str] = mapped_column(SealedProse("responses.body"))
    previous_id: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(64))


class ProgramFileTable(Table):
    """A file of /v1/files; its content is in program_file_parts."""

    __tablename__ = "program_files"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "expires_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(SealedProse("program_files.name"))
    purpose: Mapped[FilePurpose]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ready: Mapped[bool]
    """False while the content is being written."""


class ProgramFilePartTable(Table):
    """A chunk of a file's content, ordered by number."""

    __tablename__ = "program_file_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("program_files.id", ondelete="CASCADE"), index=True)
    size_bytes: Mapped[int]
    """Size before encryption."""
    content: Mapped[bytes] = mapped_column(SealedBytes("program_file_parts.content"))


class BatchTable(Table):
    """Batches. Files have no foreign keys: they may be deleted before their batch."""

    __tablename__ = "batches"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    route: Mapped[str] = mapped_column(String(64))
    input_file_id: Mapped[str] = mapped_column(String(64))
    output_file_id: Mapped[str] = mapped_column(String(64))
    error_file_id: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(64))
    metadata_text: Mapped[str] = mapped_column("metadata", SealedProse("batches.metadata"))
    status: Mapped[BatchStatus]
    lines: Mapped[int]
    position: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
