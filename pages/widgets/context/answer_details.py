"""Write what an answer was given to read as rows of its details."""

from __future__ import annotations

from core.chat.context.records import AnswerContext, Applied, Holder
from pages.shell.words import t


def context_details(context: AnswerContext | None) -> tuple[tuple[str, str], ...]:
    """Return name and value of each row; only rows that have something."""
    if context is None:
        return ()
    rows = ((t("Instructions"), ", ".join(_whose(each) for each in context.instructions)),)
    return tuple((name, value) for name, value in rows if value)


def _whose(applied: Applied) -> str:
    state = f"{applied.updated_at:%Y-%m-%d %H:%M} UTC"
    if applied.holder is Holder.PERSON:
        return t("yours of {when}", when=state)
    return t("{group} of {when}", group=applied.subject, when=state)
