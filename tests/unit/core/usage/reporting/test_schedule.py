"""When a report is due, and which days it covers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from core.errors import InvalidInput
from core.tasks.records import Every
from core.tasks.timing import latest_slot, next_slot
from core.usage.reporting.records import Period, ReportPlan
from core.usage.reporting.schedule import days_of

ZURICH = ZoneInfo("Europe/Zurich")
CARDS = ("overview.figures",)


def plan(**changes: object) -> ReportPlan:
    return ReportPlan(**{"name": "Week", "cards": CARDS, "every": Every.WEEK, "weekday": 0, "hour": 7} | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "latest", "following"),
    [
        (datetime(2026, 11, 30, 5, 59, tzinfo=UTC), datetime(2026, 11, 23, 6, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC)),
        (datetime(2026, 11, 30, 6, 0, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC), datetime(2026, 12, 7, 6, tzinfo=UTC)),
        (datetime(2026, 10, 27, 12, tzinfo=UTC), datetime(2026, 10, 26, 6, tzinfo=UTC), datetime(2026, 11, 2, 6, tzinfo=UTC)),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 19, 5, tzinfo=UTC), datetime(2026, 10, 26, 6, tzinfo=UTC)),
    ],
)
def test_a_weekly_report_is_due_at_its_hour_on_the_clocks_of_the_zone(now: datetime, latest: datetime, following: datetime) -> None:
    assert (latest_slot(plan().timing, now, ZURICH), next_slot(plan().timing, now, ZURICH)) == (latest, following)


def test_a_monthly_report_is_due_on_its_day_also_over_the_turn_of_the_year() -> None:
    monthly = plan(every=Every.MONTH, day=28)
    january = datetime(2027, 1, 10, tzinfo=UTC)
    assert latest_slot(monthly.timing, january, ZURICH) == datetime(2026, 12, 28, 6, tzinfo=UTC)
    assert next_slot(monthly.timing, january, ZURICH) == datetime(2027, 1, 28, 6, tzinfo=UTC)
    assert next_slot(monthly.timing, datetime(2027, 1, 28, 7, tzinfo=UTC), ZURICH) == datetime(2027, 2, 28, 6, tzinfo=UTC)
    assert next_slot(plan(every=Every.NEVER).timing, january, ZURICH) is None


def test_it_covers_whole_weeks_and_months_before_its_day() -> None:
    week, month = days_of(plan(), date(2026, 12, 2)), days_of(plan(period=Period.MONTH), date(2027, 1, 1))
    assert (week.first, week.last) == (date(2026, 11, 23), date(2026, 11, 29))
    assert (month.first, month.last) == (date(2026, 12, 1), date(2026, 12, 31))
    free = days_of(plan(period=Period.FREE, every=Every.NEVER, first=date(2026, 1, 5), last=date(2026, 2, 4)), date(2027, 1, 1))
    assert free.days == 31


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"name": "a\nb"}, {"cards": ()}, {"cards": ("overview.secrets",)}, {"weekday": 7}, {"day": 29}, {"hour": 24},
        {"mails": ("nobody",)}, {"mails": ("a@b.example\nBcc: c@d.example",)}, {"period": Period.FREE, "every": Every.NEVER},
        {"period": Period.FREE, "first": date(2026, 1, 1), "last": date(2026, 1, 2)},
        {"period": Period.FREE, "every": Every.NEVER, "first": date(2026, 1, 3), "last": date(2026, 1, 2)},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        plan(**wrong)
