"""Draw texts with their blanks as blue words."""

from __future__ import annotations

from core.prompts.blanks import parts
from core.workflows.records import Step
from core.workflows.templates.filling import only_braces
from pages.widgets.chat.message import plain

MAX_SHOWN = 300


def with_blanks(text: str, *, braces_only: bool = False) -> str:
    """Return Markdown of a text on one line."""
    pieces = [
        f":blue-badge[{plain(name)}]" if name else _spaced(written) for written, name in parts(text[:MAX_SHOWN], braces_only=braces_only)
    ]
    return "".join(pieces) + ("…" if len(text) > MAX_SHOWN else "")


def step_text(step: Step) -> str:
    """Return Markdown of what a step asks for."""
    return with_blanks(step.text, braces_only=only_braces(step))


def _spaced(written: str) -> str:
    """Escape a piece, and keep the space between it and a blank."""
    before, after = " " if written[:1].isspace() else "", " " if written[-1:].isspace() else ""
    return f"{before}{plain(written)}{after}"
