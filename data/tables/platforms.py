"""Define the table of versions of the platforms' configuration."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.platforms.records import EditedBy
from data.encryption.sealed_text import SealedProse
from data.tables.base import NUMBER, Table


class PlatformsVersionTable(Table):
    """Versions of the configuration. Numbers are never reused, also after old versions were removed."""

    __tablename__ = "platforms_versions"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    created_at: Mapped[datetime]
    author_id: Mapped[str | None] = mapped_column(String(64))
    """No foreign key: a version outlives its author. NULL: the file on disk was edited."""
    edited_by: Mapped[EditedBy]
    restored: Mapped[int | None]
    text: Mapped[str] = mapped_column(SealedProse("platforms_versions.text"))
