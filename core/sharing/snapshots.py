"""Convert a transcript to the text of a snapshot, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from core.chat.records import Author, Message
from core.sharing.records import SharedMessage, SharedSource, SharedStep


def snapshot_of(messages: Sequence[Message], mask: Callable[[str], str]) -> str:
    """Return the snapshot of these messages: texts, models, names of files and of sources, and calls of tools without
    their results.

    Reasoning, ratings and comments are left out.
    """
    kept = [
        {
            "author": each.author.value,
            "text": mask(each.text),
            "created_at": each.created_at.isoformat(),
            "model": each.generation.model if each.generation else "",
            "files": [mask(file.name) for file in each.files],
            "sources": [
                [mask(source.document), source.page, source.first_line, source.last_line, mask(source.heading)]
                for source in (each.context.sources if each.context else ())
            ],
            "steps": [[mask(step.title), mask(step.arguments), step.seconds, step.error is not None] for step in each.steps],
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
            sources=tuple(_source(*source) for source in each.get("sources", ())),
            steps=tuple(_step(*step) for step in each.get("steps", ())),
        )
        for each in json.loads(snapshot)
    )


def _source(document: str, page: int, first_line: int, last_line: int, heading: str) -> SharedSource:
    return SharedSource(document=document, page=page, first_line=first_line, last_line=last_line, heading=heading)


def _step(title: str, arguments: str, seconds: float | None, failed: bool) -> SharedStep:
    return SharedStep(title=title, arguments=arguments, seconds=seconds, failed=failed)
