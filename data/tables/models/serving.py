"""Define the tables of models: presets, access rules, default models of groups, hot swaps and their questions, comparisons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.comparing.records import VoteChoice
from core.models.swaps.records import SwapState
from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class PresetTable(Table):
    """Presets. Params, tools and collections are JSON as text."""

    __tablename__ = "presets"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    title: Mapped[str] = mapped_column(SealedProse("presets.title"))
    description: Mapped[str] = mapped_column(SealedProse("presets.description"))
    system_prompt: Mapped[str] = mapped_column(SealedProse("presets.system_prompt"))
    params: Mapped[str] = mapped_column(SealedProse("presets.params"))
    tools: Mapped[str] = mapped_column(SealedProse("presets.tools"))
    collections: Mapped[str] = mapped_column(Text, server_default="[]")
    thinking: Mapped[bool | None]
    published: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str | None] = mapped_column(String(64))


class ModelAccessTable(Table):
    """Roles and groups that may use a model. A model without rows is for everybody."""

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


class SwapTable(Table):
    """Hot swaps. `record` is a JSON object as text: settings, options, steps, and the answers of the new version."""

    __tablename__ = "model_swaps"
    __table_args__ = (Index(None, "model", "created_at"), Index(None, "server", "state"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    server: Mapped[str] = mapped_column(String(200))
    state: Mapped[SwapState]
    started_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    old_version: Mapped[str] = mapped_column(String(64))
    new_version: Mapped[str] = mapped_column(String(64))
    record: Mapped[str] = mapped_column(SealedProse("model_swaps.record"))
    decision: Mapped[str | None] = mapped_column(String(16))


class CanaryQuestionTable(Table):
    __tablename__ = "canary_questions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    language: Mapped[str] = mapped_column(String(8))
    question: Mapped[str] = mapped_column(SealedProse("canary_questions.question"))
    pattern: Mapped[str] = mapped_column(SealedProse("canary_questions.pattern"))


class ReplayQuestionTable(Table):
    """Questions with accepted answers."""

    __tablename__ = "replay_questions"
    __table_args__ = (Index(None, "model"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    question: Mapped[str] = mapped_column(SealedProse("replay_questions.question"))
    accepted: Mapped[str] = mapped_column(SealedProse("replay_questions.accepted"))
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(64))


class ChangeMarkerTable(Table):
    """Changes that charts mark, with their times."""

    __tablename__ = "change_markers"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(300))
    details: Mapped[dict[str, Any]]


class FileComparisonTable(Table):
    """Comparisons of model files. `record` is a JSON object as text: files, figures and answers by question, the error."""

    __tablename__ = "model_comparisons"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    server: Mapped[str] = mapped_column(String(200))
    started_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    record: Mapped[str] = mapped_column(SealedProse("model_comparisons.record"))


class ComparisonVoteTable(Table):
    """Which answer each person prefers, by question."""

    __tablename__ = "comparison_votes"

    comparison_id: Mapped[str] = mapped_column(ForeignKey("model_comparisons.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    choice: Mapped[VoteChoice]
