from __future__ import annotations

from datetime import date, timedelta

import pytest

from pages.widgets.usage.charts import WEEKEND, Estimate, Line, bars, intervals, lines, palette

DAYS = [date(2026, 11, 2) + timedelta(days=n) for n in range(14)]
"""Two weeks from a Monday."""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.widgets.usage.charts.language", lambda: "en")


def test_weekends_are_lighter() -> None:
    figure = bars(DAYS, [Line("People", [1] * 14, 0)], dark=False)
    assert [n for n, opacity in enumerate(figure.data[0].marker.opacity) if opacity == WEEKEND] == [5, 6, 12, 13]


def test_a_missing_value_is_a_gap_and_a_lonely_value_a_dot() -> None:
    figure = lines(DAYS[:5], [Line("p95", [1.0, None, 2.0, None, 3.0], 0)], dark=False, unit="s")
    trace = figure.data[0]
    assert trace.connectgaps is False and trace.y[1] is None
    assert list(trace.marker.size) == [5, 0, 5, 0, 5]


def test_axes_start_at_zero_and_reach_above_the_highest_value() -> None:
    for top in (0.02, 0.9, 1.0, 3.0, 14, 63, 99, 100, 151_000, 7_300_000):
        axis = lines(DAYS, [Line("x", [top] * 14, 0)], dark=False, unit="s").layout.yaxis
        assert axis.range[0] == 0 and axis.range[1] >= top and 1 <= round(axis.range[1] / axis.dtick) <= 6


def test_small_times_keep_the_digits_that_tell_ticks_apart() -> None:
    assert lines(DAYS, [Line("x", [0.02] * 14, 0)], dark=False, unit="s").layout.yaxis.tickformat == ",.3f"
    assert lines(DAYS, [Line("x", [20.0] * 14, 0)], dark=False, unit="s").layout.yaxis.tickformat == ",.0f"


def test_counts_are_whole_numbers_with_commas() -> None:
    axis = bars(DAYS, [Line("Tokens", [151_000] * 14, 0)], dark=False).layout.yaxis
    assert list(axis.ticktext) == ["0", "50,000", "100,000", "150,000", "200,000"]
    assert list(bars(DAYS, [Line("People", [2] * 14, 0)], dark=False).layout.yaxis.ticktext) == ["0", "1", "2", "3"]


def test_amounts_of_money_below_one_have_their_own_ticks() -> None:
    axis = bars(DAYS, [Line("EUR", [0.0046] * 14, 0)], dark=False, whole=False).layout.yaxis
    assert axis.range[1] < 0.007 and list(axis.ticktext)[:2] == ["0", "0.001"]


def test_stacked_bars_have_room_for_their_sum() -> None:
    figure = bars(DAYS, [Line("Prompt", [60] * 14, 0), Line("Completion", [50] * 14, 1)], dark=False)
    assert figure.layout.yaxis.range[1] >= 110 and figure.layout.barmode == "stack"


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    figure = lines(DAYS, [Line("p95", [1.0] * 14, 0), Line("p50", [1.0] * 14, 5)], dark=False, unit="s")
    above = {note.text: note.yshift for note in figure.layout.annotations}
    assert above["p95"] - above["p50"] >= 13


def test_a_line_without_any_value_has_no_name_and_does_not_fail() -> None:
    figure = lines(DAYS, [Line("p95", [None] * 14, 0)], dark=True, unit="s")
    assert not figure.layout.annotations


def test_intervals_are_those_given_and_names_cannot_be_markup() -> None:
    figure = intervals([Estimate("<a href='x'>glm</a>", 0.8, 0.7, 0.88, 1412)], dark=False)
    trace = figure.data[0]
    assert (
        trace.x[0] == pytest.approx(80) and trace.error_x.array[0] == pytest.approx(8) and trace.error_x.arrayminus[0] == pytest.approx(10)
    )
    assert "<a href" not in figure.layout.yaxis.ticktext[0] and "n = 1,412" in figure.layout.yaxis.ticktext[0]


def test_both_themes_have_their_own_colours() -> None:
    assert lines(DAYS, [Line("x", [1] * 14, 0)], dark=True).data[0].line.color == palette(True).series[0] != palette(False).series[0]


@pytest.mark.parametrize(("n", "labels"), [(1, 1), (7, 7), (14, 2), (28, 4), (56, 8), (365, 14), (3650, 12)])
def test_dates_are_labelled_about_five_to_ten_times(n: int, labels: int) -> None:
    days = [date(2026, 1, 5) + timedelta(days=place) for place in range(n)]
    every = bars(days, [Line("x", [1] * n, 0)], dark=False).layout.xaxis.dtick / 86_400_000
    assert n / every <= max(labels, 14)
