"""Convert the context that the model read for an answer to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.chat.context.records import AnswerContext, Applied, FileParts, Holder, Remembered
from core.documents.records import CollectionName, Source


def write_context(context: AnswerContext | None) -> str | None:
    """Return the JSON; None if there is nothing to store."""
    if context is None or context.is_empty:
        return None
    stored = {
        "instructions": [[each.holder.value, each.subject, each.updated_at.isoformat()] for each in context.instructions],
        "memories": [[each.id, each.updated_at.isoformat(), each.asked] for each in context.memories],
        "summarized": context.summarized,
        "summary": context.summary_id,
        "left_out": context.left_out,
        "parts": [[each.name, each.lines, each.read] for each in context.parts],
        "sources": [asdict(each) for each in context.sources],
        "searched": [[each.id, each.name] for each in context.searched],
    }
    return json.dumps({name: value for name, value in stored.items() if value}, ensure_ascii=False)


def read_context(text: str | None) -> AnswerContext | None:
    """Read stored JSON. Unreadable JSON counts as not stored: it only describes an answer."""
    try:
        found: dict[str, Any] = json.loads(text or "")
        return AnswerContext(
            instructions=tuple(_applied(*each) for each in found.get("instructions", ())),
            memories=tuple(_remembered(*each) for each in found.get("memories", ())),
            summarized=int(found.get("summarized", 0)),
            summary_id=str(found.get("summary", "")),
            left_out=tuple(map(int, found.get("left_out", ()))),
            parts=tuple(_parts(*each) for each in found.get("parts", ())),
            sources=tuple(Source(**each) for each in found.get("sources", ())),
            searched=tuple(CollectionName(*map(str, each)) for each in found.get("searched", ())),
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _applied(holder: str, subject: str, at: str) -> Applied:
    return Applied(Holder(holder), subject, datetime.fromisoformat(at))


def _remembered(id: str, at: str, asked: bool) -> Remembered:
    return Remembered(id, datetime.fromisoformat(at), asked)


def _parts(name: str, lines: int, read: list[list[int]]) -> FileParts:
    return FileParts(name, lines, tuple((first, last) for first, last in read))
