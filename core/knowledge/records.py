"""Define stored files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file besides its content."""

    id: str
    user_id: str
    name: str
    size_bytes: int
    created_at: datetime
    conversation_id: str | None = None
    """None until a question takes it with it."""
    encoding: str = ""
    """What a text file is read as, a key of core.knowledge.encodings.ENCODINGS; empty for a document, and where it was never noted."""
