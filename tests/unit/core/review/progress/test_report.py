from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotAllowed
from core.people.accounts import Accounts
from core.people.records import Role
from core.review.cases.records import CaseState
from core.review.judging.judgements import ReviewJudgements
from core.review.progress.records import Ages
from core.review.progress.service import ReviewProgress, spread
from tests.unit.core.review.cases.test_cases import Desk
from tests.unit.core.review.cases.test_cases import desk as desk
from tests.unit.core.review.test_feedback import index as index


@pytest.fixture
def progress(desk: Desk) -> ReviewProgress:
    return ReviewProgress(desk.unit_of_work, desk.clock)


def test_the_report_counts_complaints_by_day_reviewer_and_tag(desk: Desk, progress: ReviewProgress) -> None:
    desk.clock.time = desk.clock.time.replace(hour=9)
    old = desk.rated()
    desk.clock.forward(seconds=timedelta(days=2).total_seconds())
    cases = [desk.rated(comment=f"Wrong {n}") for n in range(6)]
    desk.rated(1)
    for n, case in enumerate(cases[:5], 1):
        desk.clock.forward(seconds=600)
        tagged = desk.change(case, tags=("Rates",) if n < 3 else ("Dates",))
        desk.clock.forward(seconds=600)
        desk.change(tagged, state=CaseState.FIXED)
    report = progress.report(desk.sara, 3)
    assert [(day.opened, day.closed, day.open) for day in report.days] == [(1, 0, 1), (0, 0, 1), (6, 5, 2)]
    assert (report.opened, report.closed, report.open, report.oldest) == (7, 5, 2, old.opened_at)
    assert report.first_look.n == 5 and report.to_close.n == 5
    assert report.to_close.p50 is not None and report.first_look.p50 is not None and report.to_close.p50 - report.first_look.p50 == 600
    assert report.ages == Ages(under_a_day=1, under_a_week=1, under_a_month=0, older=0)
    assert [(each.name, each.closed, each.judged) for each in report.reviewers] == [("sara", 5, 0)]
    assert [(each.tag, each.opened, each.open, each.to_close.p50) for each in report.tags] == [("Dates", 3, 0, None), ("Rates", 2, 0, None)]
    today = progress.report(desk.sara, 1)
    assert (today.opened, today.open, today.days[0].open) == (6, 2, 2), "what is still open counts, whenever it was opened"


def test_agreement_counts_pairs_of_answers_and_says_nothing_of_too_few(desk: Desk, progress: ReviewProgress, accounts: Accounts) -> None:
    jonas = accounts.add(None, "jonas", Role.REVIEWER, password="correct horse battery")
    judgements = ReviewJudgements(desk.unit_of_work, desk.clock, second_percent=100)
    for n in range(20):
        number = desk.rated().number
        judgements.judge(desk.sara, number, {"cause": "style" if n % 2 else "unsafe", "severity": n % 4 + 1})
        if n < 19:
            judgements.judge(jonas, number, {"cause": "style" if n % 2 else "unsafe", "severity": min(4, n % 4 + 2)})
    cause, severity = progress.report(desk.sara).agreement
    assert (cause.question.id, cause.pairs, cause.agreed, cause.kappa) == ("cause", 19, 19, None)
    judgements.judge(jonas, number, {"cause": "unsafe", "severity": 4})
    cause, severity = progress.report(desk.sara).agreement
    assert (cause.pairs, cause.agreed, severity.pairs, severity.agreed) == (20, 19, 20, 5)
    assert cause.kappa is not None and cause.kappa.value == pytest.approx(0.9)
    assert severity.kappa is not None and severity.kappa.low < severity.kappa.value < severity.kappa.high
    assert [(each.name, each.judged) for each in progress.report(desk.sara).reviewers] == [("jonas", 20), ("sara", 20)]


def test_percentiles_are_durations_that_occurred_and_are_not_given_for_few() -> None:
    assert (spread([1, 2, 3, 4]).p50, spread([1, 2, 3, 4]).n) == (None, 4)
    assert (spread([5, 4, 3, 2, 1]).p50, spread([5, 4, 3, 2, 1]).p90) == (3, 5)
    assert spread(float(n) for n in range(1, 101)).p90 == 90


def test_only_reviewers_read_the_report(desk: Desk, progress: ReviewProgress) -> None:
    with pytest.raises(NotAllowed):
        progress.report(desk.ana)
    with pytest.raises(InvalidInput, match="between 1 and 366"):
        progress.report(desk.sara, 0)
