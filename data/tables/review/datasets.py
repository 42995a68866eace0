"""Define the tables of datasets for training, and of people's consent to be in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class TrainingChoiceTable(Table):
    """Who agreed that their chats improve models, and who refused. People without a row follow their group."""

    __tablename__ = "training_choices"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    agreed: Mapped[bool]
    updated_at: Mapped[datetime]


class DatasetTable(Table):
    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(SealedProse("datasets.name"))
    settings: Mapped[str] = mapped_column(SealedProse("datasets.settings"))
    """DatasetSettings as JSON."""
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    updated_at: Mapped[datetime]
    versions: Mapped[int]
    """The number of the newest version; the numbers of deleted versions are not used again."""


class DatasetVersionTable(Table):
    """Versions. A row is written together with its files, so that there is never half a version."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    number: Mapped[int]
    settings: Mapped[str] = mapped_column(SealedProse("dataset_versions.settings"))
    report: Mapped[str] = mapped_column(SealedProse("dataset_versions.report"))
    built_at: Mapped[datetime] = mapped_column(index=True)
    built_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    used_by: Mapped[str] = mapped_column(SealedProse("dataset_versions.used_by"))


class DatasetSourceTable(Table):
    """Which rating each line of a version comes from. No foreign keys to chats and ratings: that they are gone is what is looked for."""

    __tablename__ = "dataset_sources"
    __table_args__ = (Index(None, "version_id"), Index(None, "conversation_id"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"))
    line: Mapped[int]
    user_id: Mapped[str] = mapped_column(String(64))
    conversation_id: Mapped[str] = mapped_column(String(64))
    rating_id: Mapped[str] = mapped_column(String(64))
    rating: Mapped[int]


class DatasetFileTable(Table):
    __tablename__ = "dataset_files"
    __table_args__ = (UniqueConstraint("version_id", "name"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    lines: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


class DatasetFilePartTable(Table):
    """A piece of a file's content, ordered by number."""

    __tablename__ = "dataset_file_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("dataset_files.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes] = mapped_column(SealedBytes("dataset_file_parts.content"))
