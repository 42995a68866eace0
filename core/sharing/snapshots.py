"""Convert a transcript to the text of a snapshot, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from core.chat.records import Author, Message
from core.sharing.records import SharedMessage


def snapshot_of(messages: Sequence[Message], mask: Callable[[str], str]) -> str:
    """Return the snapshot of these messages: texts, models and names of files, without reasoning, ratings and comments."""
    kept = [
        {
            "author": each.author.value,
            "text": mask(each.text),
            "created_at": each.created_at.isoformat(),
            "model": each.generation.model if each.generation else "",
            "files": [mask(file.name) for file in each.files],
        }
        for each in messages
        if each.text or each.files
    ]
    return json.dumps(kept, ensure_ascii=False)


def messages_of(snapshot: str) -> tuple[SharedMessage, ...]:
    return tuple(
        SharedMessage(
            author=Author(each["author"]),
            text=each["text"],
            created_at=datetime.fromisoformat(each["created_at"]),
            model=each["model"],
            files=tuple(each["files"]),
        )
        for each in json.loads(snapshot)
    )
