"""Write the results of a measurement of the engine as a table into bench/results."""

from __future__ import annotations

import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import llama_cpp

from bench.portal_parts.portal import ROOT
from models import machine

_WORDS = ("what", "beside it")
"""Columns with text; the others hold numbers."""
HEAD = ("what", "engine", "beside it", "its figure", "ratio", "wanted")


def show(values: Sequence[float], digits: int = 0) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def row(what: str, ours: Sequence[float], beside: str, theirs: Sequence[float], wanted: str, digits: int = 0) -> list[str]:
    """Return a row. ours, theirs: by repeat. The ratio is the median of the ratios of the repeats: both sides of a repeat were measured
    within seconds of each other, while a shared machine's speed drifts by a fifth."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return [what, show(ours, digits), beside, show(theirs, digits), show(ratios, 2), wanted]


def processor() -> str:
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return f"{machine.cores()} cores of {found[1] if found else platform.machine()}"


def write(path: Path, title: str, command: str, took: float, facts: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table with the columns of HEAD. See write_tables."""
    write_tables(path, title, command, took, facts, [(HEAD, rows)])


def write_tables(
    path: Path, title: str, command: str, took: float, facts: Sequence[str], tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]
) -> None:
    """Write tables. command: the part after `./portal bench`; its arguments come from this process. facts: further conditions of the
    measurement.

    tables: the head and the rows of each.
    """

    def git(*words: str) -> str:
        if shutil.which("git") is None:
            return "unknown"
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = " with local changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    lines = [
        f"# {title}", "",
        f"- command: `{' '.join(['./portal bench', command, *sys.argv[1:]])}`, {took / 60:.0f} min",
        f"- date: {datetime.now(UTC):%Y-%m-%d}",
        f"- commit: {git('rev-parse', '--short', 'HEAD')}{changed}; llama-cpp-python {llama_cpp.__version__} for every side",
        *(f"- {fact}" for fact in facts), "",
    ]  # fmt: skip
    for head, rows in tables:
        rule = "".join(":--|" if name in _WORDS else "--:|" for name in head)
        lines += [f"| {' | '.join(head)} |", f"|{rule}", *(f"| {' | '.join(cells)} |" for cells in rows), ""]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines), "utf-8")
