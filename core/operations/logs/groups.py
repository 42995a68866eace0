"""Put errors of one kind together: those whose messages differ only in ids, numbers and quoted names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from core.operations.logs.records import ErrorKind, LogLevel, LogLine

STRETCHES = 24
MOST_KINDS = 200
_VARIES = re.compile(r"'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|\b[0-9a-f]{8,64}\b|0x[0-9a-f]+|\d+(?:[.,:]\d+)*", re.IGNORECASE)


@dataclass(slots=True)
class _Kind:
    newest: LogLine
    first_at: datetime
    count: int = 0
    people: set[str] = field(default_factory=set)
    spread: list[int] = field(default_factory=lambda: [0] * STRETCHES)
    known: bool = False


def kind_of(line: LogLine) -> tuple[str, str]:
    """Return what all errors of one kind share. The last line of a traceback tells apart what the same logger caught."""
    cause = line.exception.strip().rpartition("\n")[2]
    return line.logger, _VARIES.sub("*", f"{line.message[:500]} {cause[:300]}")


def grouped(lines: Iterable[LogLine], since: datetime, until: datetime) -> tuple[ErrorKind, ...]:
    """Return the kinds of errors between `since` and `until`, the most frequent first. lines: newest first, also from before."""
    kinds: dict[tuple[str, str], _Kind] = {}
    width = (until - since) / STRETCHES
    earlier = False
    for line in lines:
        earlier |= line.at < since
        if line.level.rank < LogLevel.ERROR.rank or line.at >= until:
            continue
        key = kind_of(line)
        found = kinds.get(key)
        if line.at < since:
            if found is not None:
                found.known, found.first_at = True, line.at
            continue
        if found is None:
            if len(kinds) >= MOST_KINDS:
                continue
            found = kinds[key] = _Kind(line, line.at)
        found.count += 1
        found.first_at = line.at
        found.people |= {line.user_id} - {""}
        found.spread[min(STRETCHES - 1, int((line.at - since) / width))] += 1
    return tuple(
        ErrorKind(
            logger=each.newest.logger, message=each.newest.message, count=each.count, people=len(each.people), first_at=each.first_at,
            last_at=each.newest.at, is_new=earlier and not each.known, spread=tuple(each.spread),
        )
        for each in sorted(kinds.values(), key=lambda kind: (-kind.count, kind.newest.logger))
    )  # fmt: skip
