"""Define what programs store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with its input, both as JSON text in the shape of the API."""

    id: str
    user_id: str
    created_at: datetime
    input: str
    """The items of its request, without those of earlier responses."""
    body: str
    """The response as it was answered; of one in the background, what is known so far."""
    previous_id: str | None = None
    """The response that it continues."""
    job_id: str | None = None
    """The job that answers it; None for a response that was answered at once."""
