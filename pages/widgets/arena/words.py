"""Readable names of what questions are about."""

from __future__ import annotations

from core.arena.records import VoteTask
from pages.shell.words import t

TASKS = {
    VoteTask.WRITING: "Writing",
    VoteTask.SUMMARY: "Summaries",
    VoteTask.TRANSLATION: "Translation",
    VoteTask.NUMBERS: "Numbers and tables",
    VoteTask.CODE: "Program code",
    VoteTask.KNOWLEDGE: "Knowledge",
}


def task_word(task: VoteTask | None) -> str:
    """Return the name of a task; None: all tasks."""
    return t("All tasks") if task is None else t(TASKS[task])
