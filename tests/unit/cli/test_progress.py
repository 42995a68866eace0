from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli.progress import duration, mark, run, step
from core.errors import StartFailed


def test_a_step_tells_what_it_does_and_that_it_is_done() -> None:
    seen = io.StringIO()
    with step("Making tea", "Made tea", seen):
        pass
    assert seen.getvalue().splitlines() == ["  Making tea", "ok Made tea (0 s)"]


def test_a_step_that_fails_says_how_far_it_came() -> None:
    seen = io.StringIO()
    with pytest.raises(ValueError), step("Compiling", "Compiled", seen) as current:
        current.detail = "40 %"
        raise ValueError
    assert seen.getvalue().splitlines()[-1] == "!! Compiling, 40 % (0 s)"


def test_a_command_hands_over_each_line_and_logs_it(tmp_path: Path) -> None:
    lines: list[str] = []
    run([sys.executable, "-c", "print('one'); print('two')"], tmp_path / "log", each_line=lines.append)
    assert lines == ["one\n", "two\n"]
    assert (tmp_path / "log").read_text().endswith("one\ntwo\n")


def test_a_command_that_fails_is_told_by_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"No space left on device\. The disk is full\. .* All of its output is in .*log\."):
        run([sys.executable, "-c", "print('No space left on device'); raise SystemExit(3)"], tmp_path / "log")


def test_durations_are_read_by_people() -> None:
    assert duration(4.2) == "4 s"
    assert duration(236) == "3 min 56 s"


def test_marks_are_letters_where_the_terminal_cannot_show_signs() -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert [mark(good, plain) for good in (True, False, None)] == ["ok", "!!", "--"]
