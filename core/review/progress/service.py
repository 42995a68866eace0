"""Make the report on the progress of the review."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil

from core.clock import Clock
from core.errors import InvalidInput
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.review.judging.defaults import DEFAULT
from core.review.judging.records import Question
from core.review.progress.agreement import agreed, kappa
from core.review.progress.records import Ages, Agreement, ByReviewer, ByTag, CaseTimes, Day, ProgressReport, Spread
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_DAYS = 366
FEWEST_TIMES = 5
"""Least durations for a percentile."""
MOST_TAGS = 20


class ReviewProgress:
    """Reports how many complaints came in and were closed, how fast, and how far reviewers agree."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def report(self, user: User, days: int = 30) -> ProgressReport:
        """Report on the last days (UTC), today included. Raises InvalidInput."""
        require(user, Permission.REVIEW_FEEDBACK)
        if not 1 <= days <= MAX_DAYS:
            raise InvalidInput("Ask for between 1 and {limit} days.", limit=MAX_DAYS)
        now = self._clock()
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        groups = reviewed_groups(user)
        with self._unit_of_work() as work:
            numbers = work.review_progress
            cases = {each.case_id: each for each in numbers.times(since, groups)}
            tags, closers = numbers.tags(since, groups), numbers.closers(since, groups)
            judged, pairs = numbers.judged(since, groups), numbers.pairs(since, groups)
            questions = _questions(work) if pairs else {}
            fixes = numbers.fixes(since, groups)
        times = list(cases.values())
        opened = [each for each in times if each.opened_at >= since]
        closed = [each for each in times if each.closed_at is not None]
        still = [each for each in times if each.closed_at is None]
        return ProgressReport(
            days=_days(times, since, days), opened=len(opened), closed=len(closed), open=len(still),
            oldest=min((each.opened_at for each in still), default=None),
            first_look=spread((each.first_at - each.opened_at).total_seconds() for each in opened if each.first_at),
            to_close=spread(_durations(closed)), ages=_ages(still, now), reviewers=_reviewers(closers, judged, cases),
            tags=_tags(tags, cases, since), agreement=_agreement(pairs, questions), fixes=fixes,
        )  # fmt: skip


def spread(durations: Iterable[float]) -> Spread:
    """Return median and 90th percentile, each the smallest duration that so many are not above."""
    ordered = sorted(durations)
    if len(ordered) < FEWEST_TIMES:
        return Spread(len(ordered), None, None)
    return Spread(len(ordered), *(ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.9)))


def _durations(cases: Iterable[CaseTimes]) -> list[float]:
    return [(each.closed_at - each.opened_at).total_seconds() for each in cases if each.closed_at is not None]


def _days(times: Sequence[CaseTimes], since: datetime, count: int) -> tuple[Day, ...]:
    opened: Counter[date] = Counter(each.opened_at.date() for each in times if each.opened_at >= since)
    closed: Counter[date] = Counter(each.closed_at.date() for each in times if each.closed_at is not None)
    left = sum(each.opened_at < since for each in times)
    found = []
    for n in range(count):
        day = (since + timedelta(days=n)).date()
        left += opened[day] - closed[day]
        found.append(Day(day=day, opened=opened[day], closed=closed[day], open=left))
    return tuple(found)


def _ages(still: Sequence[CaseTimes], now: datetime) -> Ages:
    ages = [(now - each.opened_at).total_seconds() / 86_400 for each in still]
    under = [sum(age < limit for age in ages) for limit in (1, 7, 30)]
    return Ages(under_a_day=under[0], under_a_week=under[1] - under[0], under_a_month=under[2] - under[1], older=len(ages) - under[2])


def _reviewers(closers: Sequence[tuple[str, str]], judged: Mapping[str, int], cases: Mapping[str, CaseTimes]) -> tuple[ByReviewer, ...]:
    closed: defaultdict[str, list[CaseTimes]] = defaultdict(list)
    for name, case_id in closers:
        if case_id in cases:
            closed[name].append(cases[case_id])
    names = sorted(closed.keys() | judged.keys(), key=lambda name: (-len(closed[name]), name))
    return tuple(
        ByReviewer(name=name, closed=len(closed[name]), judged=judged.get(name, 0), to_close=spread(_durations(closed[name])))
        for name in names
    )


def _tags(tags: Sequence[tuple[str, str]], cases: Mapping[str, CaseTimes], since: datetime) -> tuple[ByTag, ...]:
    tagged: defaultdict[str, list[CaseTimes]] = defaultdict(list)
    for tag, case_id in tags:
        if case_id in cases:
            tagged[tag].append(cases[case_id])
    most = sorted(tagged, key=lambda tag: (-len(tagged[tag]), tag))[:MOST_TAGS]
    return tuple(
        ByTag(
            tag=tag, opened=sum(each.opened_at >= since for each in tagged[tag]),
            open=sum(each.closed_at is None for each in tagged[tag]), to_close=spread(_durations(tagged[tag])),
        )
        for tag in most
    )  # fmt: skip


def _agreement(pairs: Mapping[str, Mapping[tuple[str, str], int]], questions: Mapping[str, Question]) -> tuple[Agreement, ...]:
    return tuple(
        Agreement(question=question, pairs=sum(found.values()), agreed=agreed(found), kappa=kappa(found, question.top))
        for id, question in questions.items() if (found := pairs.get(id))
    )  # fmt: skip


def _questions(work: UnitOfWork) -> Mapping[str, Question]:
    """Return the questions of all versions by their ids, each as it was asked last."""
    past = (DEFAULT, *reversed(work.review_questions.versions(10_000)))
    return {each.id: each for version in past for each in version.questions}
