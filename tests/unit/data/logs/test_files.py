from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data.logs.files import BLOCK, MAX_LINE, JsonLogFiles

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def line(n: int, **fields: str) -> str:
    at = (NOON + timedelta(seconds=n)).isoformat(timespec="milliseconds")
    return json.dumps({"time": at, "level": "INFO", "logger": "core.chat", "message": f"line {n}", **fields}, ensure_ascii=False)


def write(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")


def test_lines_come_newest_first_over_all_files(tmp_path: Path) -> None:
    write(tmp_path / "portal.log", line(5), line(6))
    write(tmp_path / "portal.log.1", line(3), line(4))
    write(tmp_path / "portal.log.10", line(1))
    write(tmp_path / "portal.log.2", line(2))
    (tmp_path / "portal.log.gz").write_bytes(b"other")
    files = JsonLogFiles(tmp_path)
    assert [each.message for each in files.lines()] == [f"line {n}" for n in (6, 5, 4, 3, 2, 1)]
    assert [each.message for each in files.lines(since=NOON + timedelta(seconds=4))] == ["line 6", "line 5", "line 4"]
    assert [each.message for each in files.lines(containing="line 2")] == ["line 2"]
    assert list(JsonLogFiles(tmp_path / "nowhere").lines()) == []


def test_lines_that_span_blocks_come_whole_and_too_long_ones_are_skipped(tmp_path: Path) -> None:
    long = "词" * (BLOCK // 9)
    lines = [line(n, exception=f"{n} {long}") for n in range(9)]
    write(tmp_path / "portal.log", line(100), *lines[:4], line(101, exception="x" * (MAX_LINE * 3)), *lines[4:], line(102))
    found = list(JsonLogFiles(tmp_path).lines())
    assert [each.message for each in found] == ["line 102", *(f"line {n}" for n in reversed(range(9))), "line 100"]
    assert found[1].exception == f"8 {long}"


def test_what_is_no_line_is_skipped(tmp_path: Path) -> None:
    write(
        tmp_path / "portal.log", "half a li", "[]", "null", '{"time": 5}',
        '{"time": "yesterday", "level": "INFO", "logger": "a", "message": "b"}',
        line(1, level="LOUD"), line(2, turn_id="t1", user_id="u1"), "\x00\x00",
    )  # fmt: skip
    [only] = JsonLogFiles(tmp_path).lines()
    assert (only.message, only.turn_id, only.user_id, only.at) == ("line 2", "t1", "u1", NOON + timedelta(seconds=2))
