"""Usage figures as the store counts them, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.inference.records import ANSWERLESS, FinishReason, Generation, Timings, Usage
from core.people.records import Role, User
from core.review.records import Feedback
from core.usage.records import RatedGeneration
from core.usage.reports import UsageQuery, UsageReport, UsageReports
from core.usage.totals import Totals
from data.database import Database
from data.repositories.usage.usage_days import UsageDays
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 5)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BOSS = things.user("boss", Role.MANAGER)


def put(database: Database, generations: Iterable[Generation], ratings: Iterable[Feedback] = ()) -> None:
    with SqlUnitOfWork(database) as work:
        for each in generations:
            work.generations.add(each)
        for rating in ratings:
            work.feedback.put(rating)
        work.commit()


def made(owner: User, seconds: Timings, at: datetime = NOON, **changes: object) -> Generation:
    plain = replace(things.generation(owner, at=at), timings=seconds, conversation_id="c1", usage=Usage(10, 5, 0))
    return replace(plain, **changes)  # type: ignore[arg-type]


def report(database: Database, model: str | None = None, group: str | None = None) -> UsageReport:
    return UsageReports(lambda: SqlUnitOfWork(database), lambda: things.NOW).report(BOSS, UsageQuery(FIRST, LAST, model, group))


def test_people_chats_tokens_and_ratings_count_once(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    rows = [
        made(ana, Timings(0, 0.2, 1, 40), message_id="m1"),
        made(ana, Timings(0, 0.2, 1, 40), NOON + timedelta(days=1), message_id="m2", conversation_id="c2", model="other"),
        made(bo, Timings(0, 0.2, 1, 40), source="api", conversation_id=None, message_id=None),
    ]
    talk = things.conversation(ana)
    message = replace(things.question(talk), id="m1")
    ratings = [things.feedback(ana, message, 1), things.feedback(bo, message, -1), things.feedback(ana, replace(message, id="m2"), -1)]
    put(database, rows, ratings)
    total = report(database).total
    assert (total.answers, total.people, total.chats, total.tokens) == (3, 2, 2, 45)
    assert (total.rated, total.satisfaction) == (2, 0.5), "a stranger's rating is nobody's"


def test_failed_answers_count_as_errors_and_vectors_as_tokens_and_neither_bends_a_quantile(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    put(
        database,
        [
            made(ana, Timings(1, 0.2, 1, 40, inter_token_p95_s=0.1)),
            made(ana, Timings(3, 0.2, 1, 40)),
            made(ana, Timings(90, None, 500), finish_reason=FinishReason.ERROR),
            made(bo, Timings(0, None, 700), source="embedding", conversation_id=None),
        ],
    )
    total = report(database).total
    assert (total.answers, total.errors, total.people, total.tokens) == (3, 1, 2, 60)
    assert (total.latency_p95, total.queue_p50, total.queue_p95, total.inter_token_p95) == (1, 2, pytest.approx(2.9), 0.1)


def test_nothing_measured_is_missing_rather_than_zero(database: Database) -> None:
    empty = report(database)
    assert empty.total == Totals() and empty.total.satisfaction is None
    assert [each for _, each in empty.by_day] == [Totals()] * 5 and not empty.by_model and not empty.by_group
    put(database, [made(put_user(database), Timings(0, None, 2))])
    total = report(database).total
    assert (total.latency_p50, total.ttft_p50, total.tokens_per_second, total.inter_token_p95) == (2, None, None, None)


def test_a_day_ends_at_midnight_in_utc(database: Database) -> None:
    ana, midnight = put_user(database), datetime(2026, 11, 2, tzinfo=UTC)
    instants = (midnight - timedelta(microseconds=1), midnight, datetime(2026, 11, 6, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC))
    put(database, [made(ana, Timings(), at) for at in instants])
    found = report(database)
    assert [each.answers for _, each in found.by_day] == [1, 1, 0, 0, 0]
    assert (found.total.answers, found.before.answers) == (2, 1)


def test_numbers_are_those_of_a_plain_computation_over_all_rows(database: Database) -> None:
    put(database, *_random_rows(random.Random(7), [put_user(database, things.user(f"user{n}")) for n in range(9)]))
    start, middle, end = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days) for days in (-5, 0, 5))
    for model, group in ((None, None), ("b", None), (None, ""), ("a", "Risk")):
        found = report(database, model, group)
        with SqlUnitOfWork(database) as work:
            before = work.generations.rated(start, middle, model, group)
            rows = work.generations.rated(middle, end, model, group)
        assert len(rows) > 20 and len(before) > 20
        assert _near(found.total, plain(rows)) and _near(found.before, plain(before))
        for parts, key in (
            (found.by_day, lambda row: row.created_at.date()),
            (found.by_model, lambda row: row.model),
            (found.by_group, lambda row: row.group),
        ):
            expected = _grouped(rows, key)
            assert {name for name, each in parts if each != Totals()} == set(expected)
            assert all(_near(each, plain(expected[name])) for name, each in parts)
        answers = [each.answers for _, each in found.by_model]
        assert answers == sorted(answers, reverse=True)


def test_a_later_report_counts_what_came_since_on_days_that_were_read_before(database: Database) -> None:
    dice, people = random.Random(11), [put_user(database, things.user(f"user{n}")) for n in range(9)]
    rows, ratings = _random_rows(dice, people)
    put(database, rows, ratings)
    earlier = report(database)
    late, changed = _random_rows(dice, people, 30)
    put(database, late, changed)
    with SqlUnitOfWork(database) as work:
        for rating in ratings[40:160]:
            work.feedback.remove(rating.user_id, rating.message_id)
        work.commit()
    found = report(database)
    assert found.total.answers > earlier.total.answers and found.total.rated < earlier.total.rated
    assert _is_plain(database, found)


def test_days_that_do_not_fit_in_memory_are_read_again(database: Database) -> None:
    put(database, *_random_rows(random.Random(5), [put_user(database, things.user(f"user{n}")) for n in range(9)]))
    for most_rows in (0, 100, 10_000):
        database.usage_days = UsageDays(most_rows)
        assert report(database) == report(database)
        assert _is_plain(database, report(database))
        kept = database.usage_days.cached_days
        assert sum(kept.values()) <= most_rows and all(day >= max(kept) - timedelta(days=len(kept)) for day in kept), "the newest stay"
        assert bool(kept) == (most_rows > 0) and (len(kept) == 10) == (most_rows == 10_000)


def _is_plain(database: Database, found: UsageReport) -> bool:
    """Tell whether the numbers are those of a plain computation over all rows."""
    with SqlUnitOfWork(database) as work:
        rows = work.generations.rated(NOON - timedelta(hours=12), datetime(2026, 11, 6, tzinfo=UTC))
    days = _grouped(rows, lambda row: row.created_at.date())
    return _near(found.total, plain(rows)) and all(_near(each, plain(days[day])) for day, each in found.by_day)


def _random_rows(dice: random.Random, people: Sequence[User], number_of_rows: int = 800) -> tuple[list[Generation], list[Feedback]]:
    rows, ratings = [], []
    talk = things.conversation(people[0])
    for number in range(number_of_rows):
        owner, failed = dice.choice(people), dice.random() < 0.1
        seconds = Timings(
            queue_s=dice.choice((0.0, dice.expovariate(1))),
            ttft_s=None if failed else dice.expovariate(2),
            duration_s=dice.expovariate(0.2),
            tokens_per_second=dice.choice((None, dice.gauss(40, 9))),
            inter_token_p95_s=dice.choice((None, dice.random() / 7)),
        )
        message = replace(things.question(talk), id=f"m{number}")
        rows.append(
            made(
                owner,
                seconds,
                datetime(2026, 10, 26, tzinfo=UTC) + timedelta(days=12 * dice.random()),
                message_id=dice.choice((message.id, None)),
                conversation_id=dice.choice((None, f"c{dice.randrange(60)}")),
                model=dice.choice("abc"),
                group=dice.choice(("Risk", "法务", "")),
                usage=Usage(dice.randrange(4000), dice.randrange(900), 0),
                source=dice.choice((*3 * ("chat", "chat", "api"), *sorted(ANSWERLESS))),
                finish_reason=FinishReason.ERROR if failed else FinishReason.STOP,
            )
        )
        if dice.random() < 0.4:
            ratings.append(things.feedback(dice.choice((owner, owner, people[0])), message, dice.choice((1, 1, -1))))
    return rows, ratings


def plain(rows: Sequence[RatedGeneration]) -> Totals:
    """Return the numbers that the database must give."""
    answers = [row for row in rows if row.source not in ANSWERLESS]
    good = [row for row in answers if row.finish_reason is not FinishReason.ERROR]
    gaps = [row.inter_token_p95_s for row in good]
    return Totals(
        answers=len(answers),
        people=len({row.user_id for row in rows}),
        chats=len({row.conversation_id for row in rows if row.conversation_id}),
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        errors=len(answers) - len(good),
        rated=sum(row.rating is not None for row in rows),
        rated_good=sum(row.rating == 1 for row in rows),
        latency_p50=_quantile([row.duration_s for row in good], 0.5),
        latency_p95=_quantile([row.duration_s for row in good], 0.95),
        ttft_p50=_quantile([row.ttft_s for row in good], 0.5),
        ttft_p95=_quantile([row.ttft_s for row in good], 0.95),
        tokens_per_second=_quantile([row.tokens_per_second for row in good], 0.5),
        queue_p50=_quantile([row.queue_s for row in good], 0.5),
        queue_p95=_quantile([row.queue_s for row in good], 0.95),
        inter_token_p95=_quantile(gaps, 0.95),
    )


def _quantile(values: Sequence[float | None], share: float) -> float | None:
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _grouped(rows: Iterable[RatedGeneration], key: Callable[[RatedGeneration], object]) -> dict[object, list[RatedGeneration]]:
    groups: dict[object, list[RatedGeneration]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _near(found: Totals, expected: Totals) -> bool:
    """Counts are equal; of the measured values SQLite keeps 15 digits."""
    measured = asdict(found)
    return all(
        measured[name] == (value if value is None else pytest.approx(value, rel=1e-13, abs=0)) for name, value in asdict(expected).items()
    )
