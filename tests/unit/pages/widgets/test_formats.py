from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pages.widgets.common.formats import age, ago, count, parameters, seconds, share, size, speed


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0, "0"), (12_345, "12,345"), (9_999_999, "9,999,999"), (12_345_678, "12.3 M"), (-5, "-5")]
)
def test_counts_have_commas_and_very_large_ones_a_unit(value: int | None, words: str) -> None:
    assert count(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.04, "0.04 s"), (0.0999, "0.1 s"), (1.26, "1.3 s"), (99.96, "100 s"), (1234.5, "1,234 s")]
)
def test_seconds_have_as_many_digits_as_matter(value: float | None, words: str) -> None:
    assert seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (812, "812 B"), (48_000, "48 kB"), (9_400_000, "9.4 MB"), (999_900_000, "1.0 GB"), (16_300_000_000, "16.3 GB")],
)
def test_sizes_are_decimal_with_a_space_before_the_unit(value: int, words: str) -> None:
    assert size(value) == words


def test_shares_speeds_and_parameters_have_their_units() -> None:
    assert share(0.874) == "87.4 %" and share(None) == "–"
    assert speed(38.4) == "38 tok/s" and speed(2.41) == "2.4 tok/s" and speed(None) == "–"
    assert parameters(9_400_000_000) == "9.4 B" and parameters(4_700_000) == "4.7 M" and parameters(28_400) == "28 k"


@pytest.mark.parametrize(
    ("past", "words"), [(5, "just now"), (12 * 60, "12 min"), (3 * 3600 + 5, "3 h"), (49 * 3600, "2 d"), (-30, "just now")]
)
def test_ages_are_in_the_largest_unit_that_fits(past: int, words: str) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert age(now - timedelta(seconds=past), now) == words


def test_what_happened_within_a_minute_was_just_now() -> None:
    now = datetime.now(UTC)
    assert ago(now) == "just now" and ago(now - timedelta(minutes=3, seconds=30)) == "3 min ago"
