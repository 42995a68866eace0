"""Define a question that waits for the running answer to end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.chat.records import TurnOptions
from core.errors import StoredError
from core.inference.requests import SamplingParams


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """The queued next question of a conversation, at most one per conversation."""

    id: str
    conversation_id: str
    user_id: str
    text: str
    options: TurnOptions
    files: tuple[str, ...] = ()
    """Ids of attached files."""
    created_at: datetime
    error: StoredError | None = None
    """Why the question could not be sent. It then waits for its author."""


def options_text(options: TurnOptions) -> str:
    stored = asdict(options)
    if not stored["collections"]:
        del stored["collections"]  # The previous release does not know them.
    return json.dumps(stored, ensure_ascii=False)


def options_of(text: str) -> TurnOptions:
    found: dict[str, Any] = json.loads(text)
    params = {name: _whole(value) for name, value in found.pop("params").items()}
    return TurnOptions(**{name: _whole(value) for name, value in found.items()}, params=SamplingParams(**params))


def _whole(value: Any) -> Any:
    return tuple(_whole(each) for each in value) if isinstance(value, list) else value
