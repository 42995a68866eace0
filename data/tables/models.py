"""Define the tables of what models offer: presets, access rules, default models of groups."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class PresetTable(Table):
    """Params and tools are JSON as text."""

    __tablename__ = "presets"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    title: Mapped[str] = mapped_column(SealedProse("presets.title"))
    description: Mapped[str] = mapped_column(SealedProse("presets.description"))
    system_prompt: Mapped[str] = mapped_column(SealedProse("presets.system_prompt"))
    params: Mapped[str] = mapped_column(SealedProse("presets.params"))
    tools: Mapped[str] = mapped_column(SealedProse("presets.tools"))
    thinking: Mapped[bool | None]
    published: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str | None] = mapped_column(String(64))


class ModelAccessTable(Table):
    """Who may use a model. A model without rows is for everybody."""

    __tablename__ = "model_access"

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    """"role" or "group"."""
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)


class GroupModelTable(Table):
    """The default model of each group that has one."""

    __tablename__ = "group_models"

    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
