"""Write the sources of an answer for exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape

from core.characters import one_line
from core.documents.records import Source


def located(source: Source) -> str:
    """Return the document of a source, and where in it the passage is."""
    lines = f"lines {source.first_line} to {source.last_line}" if source.last_line > source.first_line else f"line {source.first_line}"
    at = f"page {source.page}" if source.page else lines
    return one_line(", ".join(each for each in (source.document, at, source.heading) if each))


def markdown_sources(sources: Sequence[Source]) -> str:
    return "Sources:\n\n" + "\n".join(f"{number}. {located(each)}" for number, each in enumerate(sources, start=1))


def html_sources(sources: Sequence[Source]) -> str:
    """Return the sources as a numbered list; "" if there are none."""
    rows = "".join(f"<li>{escape(located(each))}</li>" for each in sources)
    return f"<ol class='sources'>{rows}</ol>" if rows else ""


def json_sources(sources: Sequence[Source]) -> list[dict[str, object]]:
    return [{"number": number, **asdict(each)} for number, each in enumerate(sources, start=1)]
