from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from core.review.records import ReviewState
from core.usage.csv_cells import BOM
from core.usage.csv_file import cell, to_csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "=cmd|' /C calc'!A0",
    "\ufeff=1", "\u200b@SUM(A1)", "\u3000+1", "\u200d\ufe0f-1", "\u200b\t=1", "\x01=1"])  # fmt: skip
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["plain", "a=b", "5 %", "你好", "", "'quoted'", "x\n=y"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_numbers_stay_numbers_even_negative_and_small_ones() -> None:
    assert (cell(-1), cell(2.5), cell(True), cell(None)) == (-1, 2.5, "true", "")
    assert (cell(0.1 + 0.2), cell(1.5e-9)) == (0.3, 1.5e-9)


def test_times_are_iso_and_states_their_value() -> None:
    assert cell(datetime(2026, 11, 1, 8, 30, 15, 999, tzinfo=UTC)) == "2026-11-01T08:30:15+00:00"
    assert cell(date(2026, 11, 1)) == "2026-11-01" and cell(ReviewState.IN_REVIEW) == "in_review"


def test_a_file_reads_back_with_its_commas_quotes_line_ends_and_chinese() -> None:
    rows = [("a,b", 'say "no"', "two\nlines", "中文")]
    written = to_csv(("one", "two", "three", "four"), rows).decode("utf-8")
    assert written.startswith(BOM)
    assert list(csv.reader(io.StringIO(written.removeprefix(BOM), newline=""))) == [["one", "two", "three", "four"], list(rows[0])]


def test_a_nul_character_cannot_break_the_file() -> None:
    assert cell("a\0b") == "ab"
