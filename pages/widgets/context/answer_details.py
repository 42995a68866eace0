"""Describe the context that an answer used, as rows of its details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.chat.context.records import AnswerContext, Applied, FileParts, Holder, Remembered
from core.chat.memory.records import Memory
from pages.shell.words import listed, t

_NONE: Mapping[str, Memory] = {}


def context_details(context: AnswerContext | None, memories: Mapping[str, Memory] = _NONE) -> tuple[tuple[str, str], ...]:
    """Return the name and value of each row; empty rows are left out. memories: those that still exist, by id."""
    if context is None:
        return ()
    rows = (
        (t("Instructions"), listed(_whose(each) for each in context.instructions)),
        (t("Remembered"), _used(context.memories, memories)),
        (t("Summarized"), t("Turns 1 to {n}", n=context.summarized) if context.summarized else ""),
        (t("Read of files"), "; ".join(map(_part, context.parts))),
        (t("Turns left out"), listed(map(str, context.left_out))),
    )
    return tuple((name, value) for name, value in rows if value)


def _used(used: Sequence[Remembered], memories: Mapping[str, Memory]) -> str:
    """Return the texts of the memories that the answer used; a deleted memory is mentioned without its text."""
    if not used:
        return ""
    texts = []
    for each in used:
        found = memories.get(each.id)
        if found is None:
            texts.append(t("a fact that has been deleted since"))
        elif found.updated_at != each.updated_at:
            texts.append(t("{text} (changed since)", text=found.text))
        else:
            texts.append(found.text)
    return f"{t('Used {n} memories', n=len(used))}: {'; '.join(texts)}"


def _whose(applied: Applied) -> str:
    state = f"{applied.updated_at:%Y-%m-%d %H:%M} UTC"
    if applied.holder is Holder.PERSON:
        return t("yours of {when}", when=state)
    return t("{group} of {when}", group=applied.subject, when=state)


def _part(file: FileParts) -> str:
    if not file.read:
        return t("{name}: nothing of {n} lines", name=file.name, n=file.lines)
    read = listed(str(first) if first == last else f"{first}-{last}" for first, last in file.read)
    return t("{name}: lines {read} of {n}", name=file.name, read=read, n=file.lines)
