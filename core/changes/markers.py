"""Store markers of changes, and name what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from core.changes.records import Change, ChangeMarker
from core.prompts.records import Share
from core.unit_of_work import UnitOfWork


def mark(work: UnitOfWork, at: datetime, change: Change, subject: str, **details: str) -> None:
    """Store a marker in the transaction of the change. subject: the model or preset, the number of the configuration, a prompt's id."""
    work.swaps.mark(ChangeMarker(id=uuid4().hex, at=at, kind=change.value, subject=subject, details=details))


def marked(work: UnitOfWork, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
    """Return the markers in [first, last), oldest first. A prompt has its title, or no name if not everyone sees it any more."""
    found = work.swaps.markers(first, last)
    if not any(each.kind == Change.PROMPT for each in found):
        return found
    titles = {each.id: each.title for each in work.prompts.visible("", "") if each.share is Share.EVERYONE}
    return [replace(each, subject=titles.get(each.subject, "")) if each.kind == Change.PROMPT else each for each in found]
