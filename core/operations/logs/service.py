"""Find lines of this server's log, kinds of errors, and the lines of a turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from core.errors import Conflict, InvalidInput, NotFound
from core.inference.records import Timings
from core.operations.logs.groups import grouped
from core.operations.logs.ports import LogFiles
from core.operations.logs.records import ErrorKind, LogBar, LoggedTurn, LogLevel, LogLine, LogPage, LogQuery, TurnPart
from core.operations.logs.search import matcher
from core.operations.masking import mask
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

MOST_READ = 100_000
"""Most lines that one query reads."""
MOST_SHOWN = 1000
BARS = 60
_ERRORS = (LogLevel.ERROR, LogLevel.CRITICAL)


class PortalLogs:
    """Reads the log of this server. Lines were masked when they were written, and what is shown is masked once more."""

    def __init__(self, files: LogFiles, unit_of_work: UnitOfWorkFactory) -> None:
        self._files = files
        self._unit_of_work = unit_of_work

    def find(self, user: User, query: LogQuery, limit: int = 100) -> LogPage:
        """Return the newest lines that match, with counts of all. Raises InvalidInput, and Conflict if the log is plain text."""
        self._check(user, query)
        if not 1 <= limit <= MOST_SHOWN:
            raise InvalidInput("Ask for between 1 and {limit} lines.", limit=MOST_SHOWN)
        matches = matcher(query.words)
        shown: list[LogLine] = []
        bars = [[0, 0, 0] for _ in range(BARS)]
        areas: Counter[str] = Counter()
        people: set[str] = set()
        width, read = (query.until - query.since) / BARS, 0
        for line in islice(self._files.lines(query.since), MOST_READ):
            read += 1
            if line.at >= query.until:
                continue
            areas[line.area] += 1
            people |= {line.user_id} - {""}
            if not self._asked(line, query) or not matches(line):
                continue
            level = 2 if line.level in _ERRORS else 1 if line.level is LogLevel.WARNING else 0
            bars[min(BARS - 1, int((line.at - query.since) / width))][level] += 1
            if len(shown) < limit:
                shown.append(_masked(line))
        others, warnings, errors = (sum(bar[n] for bar in bars) for n in range(3))
        return LogPage(
            lines=tuple(shown), total=others + warnings + errors, warnings=warnings, errors=errors, areas=tuple(sorted(areas)),
            bars=tuple(
                LogBar(at=query.since + n * width, others=bar[0], warnings=bar[1], errors=bar[2]) for n, bar in enumerate(bars)
            ),
            people=self._names(people), cut=read >= MOST_READ,
        )  # fmt: skip

    def errors(self, user: User, query: LogQuery) -> tuple[ErrorKind, ...]:
        """Return the kinds of errors, the most frequent first. A kind is new if the log has none from before."""
        self._check(user, query)
        matches = matcher(query.words)
        wanted = replace(query, level=LogLevel.ERROR)

        def lines() -> Iterator[LogLine]:
            for line in islice(self._files.lines(), MOST_READ):
                # Other lines from before say how far back the log reaches.
                if line.at < query.since or (self._asked(line, wanted) and matches(line)):
                    yield line

        return tuple(replace(each, message=mask(each.message)) for each in grouped(lines(), query.since, query.until))

    def turn(self, user: User, turn_id: str) -> LoggedTurn:
        """Return the lines of a turn, oldest first, and where its time went. Raises NotFound if the log has none."""
        self._allowed(user)
        found = [line for line in self._files.lines(containing=turn_id) if line.turn_id == turn_id] if turn_id else []
        if not found:
            raise NotFound("The log of this server has no lines of this turn. They may have been deleted, or be on another server.")
        lines = tuple(_masked(line) for line in reversed(found[:MOST_SHOWN]))
        with self._unit_of_work() as work:
            turn = work.turns.get(turn_id)
            answer = work.messages.get(turn.answer_id) if turn is not None else None
        generation = answer.generation if answer is not None else None
        began_at = min(lines[0].at, turn.created_at) if turn is not None else lines[0].at
        return LoggedTurn(
            lines=lines, began_at=began_at, group=generation.group if generation else "",
            parts=_parts(generation.timings) if generation else (),
        )  # fmt: skip

    def _check(self, user: User, query: LogQuery) -> None:
        self._allowed(user)
        if query.until - query.since < timedelta(seconds=1):
            raise InvalidInput("The end of the period must be after its beginning.")

    def _allowed(self, user: User) -> None:
        require(user, Permission.RUN_STORE)
        if not self._files.readable:
            raise Conflict("The log is written as plain text, which cannot be read here. Unset PORTAL_LOG_FORMAT, and restart the portal.")

    @staticmethod
    def _asked(line: LogLine, query: LogQuery) -> bool:
        return (
            line.level.rank >= query.level.rank
            and (not query.area or line.area == query.area)
            and (not query.user_id or line.user_id == query.user_id)
        )

    def _names(self, ids: set[str]) -> Mapping[str, str]:
        with self._unit_of_work() as work:
            found = {id: work.users.get(id) for id in sorted(ids)}
        return {id: person.name for id, person in found.items() if person is not None}


def _masked(line: LogLine) -> LogLine:
    return replace(line, message=mask(line.message), exception=mask(line.exception))


def _parts(timings: Timings) -> tuple[tuple[TurnPart, float, float], ...]:
    """Return where the time of an answer went: names, and seconds since the question."""
    end = timings.duration_s
    if timings.ttft_s is None:
        return ((TurnPart.QUEUE, 0.0, timings.queue_s), (TurnPart.NO_TOKEN, timings.queue_s, end))
    first = min(timings.ttft_s, end)
    thought = min(end, first + (timings.thinking_s or 0.0))
    waited = min(timings.queue_s, first)
    thinking = ((TurnPart.THINKING, first, thought),) if thought > first else ()
    return ((TurnPart.QUEUE, 0.0, waited), (TurnPart.FIRST_TOKEN, waited, first), *thinking, (TurnPart.WRITING, thought, end))
