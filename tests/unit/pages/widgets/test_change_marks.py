from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from core.changes.records import Change, ChangeMarker
from pages.widgets.usage.change_marks import NAMED, Mark, add_marks, bounds, marks_of, names_of


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.shell.words.language", lambda: "en")
    monkeypatch.setattr("pages.widgets.common.formats.language", lambda: "en")


def marker(at: datetime, kind: str = Change.LOAD, subject: str = "glm", **details: str) -> ChangeMarker:
    return ChangeMarker(id="", at=at, kind=kind, subject=subject, details=details)


def test_marks_are_numbered_by_day_on_the_clocks_of_the_zone() -> None:
    late = datetime(2026, 11, 9, 23, 30, tzinfo=UTC)
    marks = marks_of([marker(late), marker(late + timedelta(days=1), subject="air")], ZoneInfo("Europe/Zurich"))
    assert marks == (Mark(1, date(2026, 11, 10), ("00:30 glm was loaded",)), Mark(2, date(2026, 11, 11), ("00:30 air was loaded",)))
    assert bounds(date(2026, 11, 10), date(2026, 11, 10), ZoneInfo("Europe/Zurich"))[0].astimezone(UTC).hour == 23


@pytest.mark.parametrize(
    ("kind", "subject", "details", "words"),
    [
        (Change.SWAP, "glm", {"to": "b71e"}, "glm was swapped to version b71e"),
        (Change.SWAP, "glm", {"to": "b71e", "from": "a000", "state": "rolled_back"}, "The swap of glm was rolled back to version a000"),
        (Change.PRESET, "Letters", {"state": "withdrawn"}, "The preset Letters was withdrawn"),
        (Change.PROMPT, "Treasury rates", {"version": "4"}, "The prompt Treasury rates is at version 4"),
        (Change.PROMPT, "", {"version": "4"}, "A shared prompt was changed"),
        (Change.PRICE, "glm", {"currency": "EUR"}, "A new price of glm applies"),
    ],
)
def test_each_kind_of_change_has_its_words(kind: Change, subject: str, details: dict[str, str], words: str) -> None:
    [mark] = marks_of([marker(datetime(2026, 11, 9, 12, tzinfo=UTC), kind, subject, **details)])
    assert mark.lines == (f"12:00 {words}",)


def test_a_kind_of_a_later_release_is_left_out() -> None:
    assert marks_of([marker(datetime(2026, 11, 9, tzinfo=UTC), "model.sing")]) == ()


def test_a_chart_of_weeks_has_its_marks_within_the_week() -> None:
    figure = go.Figure()
    marks = [Mark(1, date(2026, 11, 19), ("x y",)), Mark(2, date(2026, 12, 18), ("x y",))]
    add_marks(figure, marks, dark=False, weeks=[date(2026, 11, 9), date(2026, 11, 16)])
    [line], [number] = figure.layout.shapes, figure.layout.annotations
    assert line.x0 == 1 and number.text == "1", "Thursday noon is the middle; the other week is not drawn"


def test_many_days_are_named_in_part_and_text_stays_text() -> None:
    marks = [Mark(number, date(2026, 11, number), (f"09:00 <b>{number}</b>", "10:00 more")) for number in range(1, NAMED + 3)]
    words = names_of(marks)
    assert words.count("<b>") == NAMED and "&lt;b&gt;1&lt;/b&gt; and 1 more" in words and "and 2 more days with changes" in words
    assert names_of([]) == ""
