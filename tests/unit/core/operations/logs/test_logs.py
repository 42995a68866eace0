from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.operations.logs.records import LogLevel, LogLine, LogQuery
from core.operations.logs.search import matcher
from core.operations.logs.service import PortalLogs
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = LogQuery(since=NOON - timedelta(hours=1), until=NOON)


@dataclass
class Written:
    """The log as the files would give it: newest first."""

    all: Sequence[LogLine]
    readable: bool = True

    def lines(self, since: datetime | None = None, containing: str = "") -> Iterator[LogLine]:
        for each in sorted(self.all, key=lambda line: line.at, reverse=True):
            if since is not None and each.at < since:
                return
            if containing in repr(each):
                yield each


def line(minutes_ago: float, message: str = "answered", level: LogLevel = LogLevel.INFO, **fields: str) -> LogLine:
    return LogLine(at=NOON - timedelta(minutes=minutes_ago), level=level, message=message, **{"logger": "core.chat.turns", **fields})


def test_lines_are_counted_and_the_newest_shown(unit_of_work: UnitOfWorkFactory, admin: User, ana: User) -> None:
    log = Written([
        line(1, user_id=ana.id), line(2, level=LogLevel.ERROR, logger="data.index"), line(3, level=LogLevel.WARNING),
        line(59.5, level=LogLevel.DEBUG), line(61), line(-1),
    ])  # fmt: skip
    page = PortalLogs(log, unit_of_work).find(admin, HOUR, limit=2)
    assert [each.at for each in page.lines] == [NOON - timedelta(minutes=1), NOON - timedelta(minutes=2)]
    assert (page.total, page.warnings, page.errors, page.cut) == (3, 1, 1, False)
    assert page.areas == ("core.chat", "data.index") and page.people == {ana.id: ana.name}
    assert [(bar.others, bar.warnings, bar.errors) for bar in page.bars[-4:]] == [(0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)]
    everything = PortalLogs(log, unit_of_work).find(admin, LogQuery(since=HOUR.since, until=NOON, level=LogLevel.DEBUG))
    assert everything.total == 4 and everything.bars[0].others == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", 3), ("TIMEOUT", 1), ("level:error", 1), ("turn:8f2c", 2), ("logger:models turn:8f", 1), ("user:u1 answered", 1),
        ("nothing", 0), ("ratio:5", 0), ("KeyError", 1),
    ],
)  # fmt: skip
def test_words_and_pairs_narrow_the_lines(words: str, found: int) -> None:
    lines = [
        line(1, turn_id="8f2c11", user_id="u1"),
        line(2, "timeout after 120 s", LogLevel.ERROR, logger="models.platforms", turn_id="8f2c11"),
        line(3, exception="Traceback\nKeyError: 'x'"),
    ]  # fmt: skip
    matches = matcher(words)
    assert sum(matches(each) for each in lines) == found


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(InvalidInput, match="no level loud"):
        matcher("level:loud")


def test_errors_that_differ_in_ids_and_numbers_are_one_kind(unit_of_work: UnitOfWorkFactory, admin: User) -> None:
    error = LogLevel.ERROR
    log = Written([
        line(1, "timeout of 'vllm-a' after 120 s", error, user_id="u1"), line(5, "timeout of 'vllm-b' after 3.5 s", error, user_id="u2"),
        line(6, "timeout of 'vllm-b' after 9 s", error), line(7, "failed", error, exception="Traceback\nKeyError: 5"),
        line(8, "failed", error, exception="Traceback\nValueError: 5"), line(70, "failed", error, exception="Traceback\nKeyError: 8"),
        line(80),
    ])  # fmt: skip
    kinds = PortalLogs(log, unit_of_work).errors(admin, HOUR)
    assert [(each.message, each.count, each.people, each.is_new) for each in kinds] == [
        ("timeout of 'vllm-a' after 120 s", 3, 2, True), ("failed", 1, 0, False), ("failed", 1, 0, True),
    ]  # fmt: skip
    assert kinds[1].first_at == NOON - timedelta(minutes=70) and sum(kinds[0].spread) == 3 and kinds[0].spread[-1] == 1


def test_nothing_is_new_in_a_log_that_reaches_no_further_back(unit_of_work: UnitOfWorkFactory, admin: User) -> None:
    [kind] = PortalLogs(Written([line(1, "failed", LogLevel.ERROR)]), unit_of_work).errors(admin, HOUR)
    assert not kind.is_new


def test_a_turn_has_its_lines_oldest_first_and_one_without_lines_says_so(unit_of_work: UnitOfWorkFactory, admin: User) -> None:
    logs = PortalLogs(Written([line(1, turn_id="t1"), line(2, turn_id="t1"), line(3, turn_id="t2"), line(4, "about t1")]), unit_of_work)
    turn = logs.turn(admin, "t1")
    assert [(each.at - turn.began_at).total_seconds() for each in turn.lines] == [0, 60] and turn.parts == ()
    for id in ("t3", ""):
        with pytest.raises(NotFound, match="no lines of this turn"):
            logs.turn(admin, id)


def test_a_secret_that_stands_in_the_file_is_not_shown(unit_of_work: UnitOfWorkFactory, admin: User) -> None:
    said = line(1, "password=hunter2 of ana@example.com", LogLevel.ERROR, exception="token: abcdef123", turn_id="t1")
    logs = PortalLogs(Written([said]), unit_of_work)
    shown = (logs.find(admin, HOUR).lines, logs.errors(admin, HOUR), logs.turn(admin, "t1").lines)
    for each in shown:
        assert not any(secret in repr(each) for secret in ("hunter2", "ana@example.com", "abcdef123")), each


def test_only_those_who_run_the_storage_read_the_log(unit_of_work: UnitOfWorkFactory, admin: User, ana: User) -> None:
    logs = PortalLogs(Written([line(1, turn_id="t1")]), unit_of_work)
    for ask in (lambda: logs.find(ana, HOUR), lambda: logs.errors(ana, HOUR), lambda: logs.turn(ana, "t1")):
        with pytest.raises(NotAllowed):
            ask()
    with pytest.raises(Conflict, match="plain text"):
        PortalLogs(Written([], readable=False), unit_of_work).find(admin, HOUR)
    with pytest.raises(InvalidInput, match="after its beginning"):
        logs.find(admin, LogQuery(since=NOON, until=NOON))
