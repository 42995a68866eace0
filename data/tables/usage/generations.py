"""Define the tables of generation rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import StoredError
from core.inference.records import FinishReason, Routing, Source
from data.columns import ErrorText, RoutingText
from data.tables.base import Table


class GenerationTable(Table):
    """Generation rows, which are only ever added. No foreign keys: a row outlives its chat."""

    __tablename__ = "generations"
    __table_args__ = (
        Index(None, "created_at"),
        Index(None, "message_id"),
        Index(None, "model"),
        Index(None, "group_name"),
        Index(None, "key_id"),
        Index(None, "variant"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64))
    group_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    model: Mapped[str] = mapped_column(String(300))
    model_version: Mapped[str] = mapped_column(String(300))
    platform: Mapped[str] = mapped_column(String(300))
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    queue_s: Mapped[float]
    ttft_s: Mapped[float | None]
    duration_s: Mapped[float]
    tokens_per_second: Mapped[float | None]
    thinking_s: Mapped[float | None]
    finish_reason: Mapped[FinishReason]
    source: Mapped[Source]
    conversation_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    variant: Mapped[str | None] = mapped_column(String(300))
    cost: Mapped[float | None]
    key_id: Mapped[str | None] = mapped_column(String(64))
    """The API key of the request, if any."""
    inter_token_p50_s: Mapped[float | None]
    inter_token_p95_s: Mapped[float | None]
    steps: Mapped[int | None]
    prefill_tokens: Mapped[int | None]
    prefill_s: Mapped[float | None]
    draft_tokens: Mapped[int | None] = mapped_column("guessed_tokens", key="draft_tokens")
    accepted_tokens: Mapped[int | None] = mapped_column("guessed_right", key="accepted_tokens")
    retries: Mapped[int | None]
    routing: Mapped[Routing | None] = mapped_column(RoutingText)
    cached_at: Mapped[datetime | None]
    """When the answer was first written, if it came from the result cache."""
    device_s: Mapped[float | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    """The currency of the cost, if the portal's own prices gave it."""
