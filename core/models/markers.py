"""Store markers of changes, so that charts can show when something changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from core.models.swaps.records import ChangeMarker
from core.unit_of_work import UnitOfWork


class Change(StrEnum):
    """Kinds of changes that are marked."""

    SWAP = "model.swap"
    LOAD = "model.load"
    UNLOAD = "model.unload"
    DEFAULT = "model.make_default"
    CONFIGURATION = "platforms.apply"


def mark(work: UnitOfWork, at: datetime, change: Change, subject: str, **details: str) -> None:
    """Store a marker in the transaction of the change. subject: the model, or the number of the configuration."""
    work.swaps.mark(ChangeMarker(id=uuid4().hex, at=at, kind=change.value, subject=subject, details=details))
