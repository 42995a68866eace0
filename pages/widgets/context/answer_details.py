"""Write what an answer was given to read as rows of its details."""

from __future__ import annotations

from core.chat.context.records import AnswerContext, Applied, FileParts, Holder
from pages.shell.words import t


def context_details(context: AnswerContext | None) -> tuple[tuple[str, str], ...]:
    """Return name and value of each row; only rows that have something."""
    if context is None:
        return ()
    rows = (
        (t("Instructions"), ", ".join(_whose(each) for each in context.instructions)),
        (t("Summarized"), t("Turns 1 to {n}", n=context.summarized) if context.summarized else ""),
        (t("Read of files"), "; ".join(map(_part, context.parts))),
        (t("Turns left out"), ", ".join(map(str, context.left_out))),
    )
    return tuple((name, value) for name, value in rows if value)


def _whose(applied: Applied) -> str:
    state = f"{applied.updated_at:%Y-%m-%d %H:%M} UTC"
    if applied.holder is Holder.PERSON:
        return t("yours of {when}", when=state)
    return t("{group} of {when}", group=applied.subject, when=state)


def _part(file: FileParts) -> str:
    if not file.read:
        return t("{name}: nothing of {n} lines", name=file.name, n=file.lines)
    read = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in file.read)
    return t("{name}: lines {read} of {n}", name=file.name, read=read, n=file.lines)
