"""Define the tables of collections, their documents and passages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.documents.records import DocumentState
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class CollectionTable(Table):
    """Documents of one person. version: rises whenever its passages change."""

    __tablename__ = "collections"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(SealedProse("collections.name"))
    share: Mapped[str] = mapped_column(String(16), index=True)
    group_name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DocumentTable(Table):
    """A file of a collection; its content and text are in document_parts."""

    __tablename__ = "documents"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(SealedProse("documents.name"))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[DocumentState]
    error: Mapped[str | None] = mapped_column(SealedProse("documents.error"))
    """Why it could not be read, as JSON: it has the document's name."""
    pages: Mapped[int]
    passages: Mapped[int]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    words: Mapped[bytes | None] = mapped_column(SealedBytes("documents.words"))
    """The words of its passages, as the index packed them; None until it was read."""


class DocumentPartTable(Table):
    """A chunk of a document's content, or of its text (extracted), ordered by number."""

    __tablename__ = "document_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    extracted: Mapped[bool]
    content: Mapped[bytes] = mapped_column(SealedBytes("document_parts.content"))


class PassageTable(Table):
    """A part of a document's text that is found and cited as a whole. start_at, end_at: offsets in the text."""

    __tablename__ = "passages"
    __table_args__ = (Index(None, "document_id", "position"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    position: Mapped[int]
    start_at: Mapped[int]
    end_at: Mapped[int]
    page: Mapped[int]
    first_line: Mapped[int]
    last_line: Mapped[int]
    heading: Mapped[str] = mapped_column(SealedProse("passages.heading"))
    text: Mapped[str] = mapped_column(SealedProse("passages.text"))


class PassageVectorTable(Table):
    """The vectors of a document's passages. version: of the embedding model that computed them."""

    __tablename__ = "passage_vectors"
    __table_args__ = (Index(None, "document_id", "version"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(300))
    vectors: Mapped[bytes] = mapped_column(SealedBytes("passage_vectors.vectors"))
