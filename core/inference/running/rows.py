"""Make the generation row of a request: who asked, which model answered where, what it took, how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.inference.records import FinishReason, Generation, Routing, Source, Timings, Usage
from core.people.records import User


class Routed(Protocol):
    """Names the model that answers a request, and where that runs."""

    @property
    def model(self) -> str: ...
    @property
    def model_version(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def routing(self) -> Routing | None: ...


def generation_row(
    user: User,
    running: Routed,
    *,
    id: str,
    created_at: datetime,
    source: Source,
    usage: Usage,
    timings: Timings,
    finish_reason: FinishReason,
    error: StoredError | None = None,
    conversation_id: str | None = None,
    message_id: str | None = None,
    cached_at: datetime | None = None,
    variant: str | None = None,
) -> Generation:
    """Return the row. error: makes the request a failed one, however it ended."""
    routing = running.routing
    return Generation(
        id=id,
        user_id=user.id,
        group=user.group,
        created_at=created_at,
        model=running.model,
        model_version=running.model_version,
        platform=running.platform,
        usage=usage,
        timings=timings,
        finish_reason=finish_reason,
        source=source,
        conversation_id=conversation_id,
        message_id=message_id,
        error=error,
        cost=routing.cost if routing is not None else None,
        routing=routing,
        key_id=user.key.id if user.key else None,
        cached_at=cached_at,
        variant=variant,
    )
