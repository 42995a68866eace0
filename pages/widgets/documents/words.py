"""Say in words where a passage is."""

from __future__ import annotations

from core.documents.records import FoundPassage, Source
from core.sharing.records import SharedSource
from pages.shell.words import t


def location(found: FoundPassage | Source | SharedSource) -> str:
    """Return where in its document a passage is: its page or lines, and its heading."""
    if found.page:
        at = t("page {n}", n=found.page)
    elif found.first_line == found.last_line:
        at = t("line {n}", n=found.first_line)
    else:
        at = t("lines {first} to {last}", first=found.first_line, last=found.last_line)
    return t(", ").join([at, found.heading]) if found.heading else at


def score(value: float) -> str:
    """Return a score from 0 to 1 with two digits: .91."""
    return "1.0" if value >= 0.995 else f"{value:.2f}".removeprefix("0")
