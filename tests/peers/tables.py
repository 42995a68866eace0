"""Read which of llama.cpp's server tests do not concern the portal, and which the portal fails on purpose."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).parent


def _read(name: str) -> tuple[tuple[str, str], ...]:
    """Return (pattern of names, reason) of each line; `#` begins a comment, a reason without a pattern holds for the lines below it."""
    lines = (line.partition("#")[0].strip() for line in (HERE / name).read_text("utf-8").splitlines())
    return tuple((pattern.strip(), reason.strip()) for pattern, _, reason in (line.partition("|") for line in lines if line))


ELSEWHERE = _read("elsewhere.txt")
DIFFERENT = _read("different.txt")


def reason_for(test: str, table: tuple[tuple[str, str], ...]) -> str:
    """Return why a test, `file::name[parameters]`, is in a table, or "". Patterns are those of a shell, but `[` means itself."""
    return next((reason for pattern, reason in table if fnmatchcase(test, pattern.replace("[", "[[]"))), "")
