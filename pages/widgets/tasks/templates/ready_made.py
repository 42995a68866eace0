"""Offer templates to begin with, in the reader's language. Each becomes a template of the person who takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.knowledge.tables.records import ChartKind
from core.workflows.records import DrawnColumns, Step, StepKind
from core.workflows.templates.records import FileSlot
from pages.shell.words import t


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyMade:
    title: str
    request: str
    steps: tuple[Step, ...]
    files: tuple[FileSlot, ...] = ()


def _document() -> ReadyMade:
    request = t("Summarize the document for [reader] in [number] points")
    read = Step(id="s1", kind=StepKind.READ, title=t("Read the document"), inputs=("file1",))
    wanted = t("Summarize the document for [reader] in [number] points. Name what is open at the end.")
    write = Step(id="s2", kind=StepKind.WRITE, title=t("Write the summary"), inputs=("s1",), text=wanted)
    return ReadyMade(
        title=t("Summary of a document"), request=request, steps=(read, write), files=(FileSlot(position=1, name=t("Document")),)
    )


def _table() -> ReadyMade:
    query = Step(
        id="s1", kind=StepKind.QUERY, title=t("Compute [figure] by [group]"), inputs=("file1",),
        text=t("[figure] for each [group], largest first, at most 20 rows"),
    )  # fmt: skip
    chart = Step(id="s2", kind=StepKind.CHART, title=t("Draw the rows"), inputs=("s1",), chart=DrawnColumns(ChartKind.BAR))
    write = Step(
        id="s3", kind=StepKind.WRITE, title=t("Write what stands out"), inputs=("s1",),
        text=t("Say in one paragraph which [group] stand out, with their figures."),
    )  # fmt: skip
    files = (FileSlot(position=1, name=t("Table"), tables=("data",)),)
    return ReadyMade(
        title=t("A figure by group"), request=t("Show [figure] by [group], and say what stands out"), steps=(query, chart, write),
        files=files,
    )  # fmt: skip


def _chats() -> ReadyMade:
    search = Step(id="s1", kind=StepKind.SEARCH, title=t("Search your chats"), text="[topic]")
    write = Step(
        id="s2", kind=StepKind.WRITE, title=t("Write the notes"), inputs=("s1",),
        text=t("Summarize what was said about [topic], and list what is still open."),
    )  # fmt: skip
    return ReadyMade(
        title=t("What was said about a topic"), request=t("Find what was said about [topic] in my chats"), steps=(search, write)
    )  # fmt: skip


READY_MADE: Mapping[str, Callable[[], ReadyMade]] = {"document": _document, "table": _table, "chats": _chats}
