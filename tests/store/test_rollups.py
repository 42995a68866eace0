"""The rollups of both databases against a plain recount of the same generation rows."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.chat.records import MessageStatus
from core.inference.records import ANSWERLESS, FinishReason, Generation, Routing, Source, Timings, Usage
from core.usage.boards.people import people_of
from core.usage.records import UsageQuery
from core.usage.rollups import service
from core.usage.rollups.records import By, Measure, Signature
from core.usage.rollups.service import RECHECKED_DAYS, Rollups
from core.usage.rollups.sketches import ERROR
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 28)
EVERYTHING = UsageQuery(FIRST, LAST)


def rollups(database: Database, now: datetime = NOW, zone: str = "Europe/Zurich") -> Rollups:
    return Rollups(lambda: SqlUnitOfWork(database), lambda: now, zone)


def put(database: Database, rows: list[Generation]) -> None:
    with SqlUnitOfWork(database) as work:
        for row in rows:
            work.generations.add(row)
        work.commit()


def some_rows(database: Database, n: int = 300) -> list[Generation]:
    dice = random.Random(11)
    people = [put_user(database, things.user(name, group=group)) for name, group in (("ana", "Risk"), ("bo", "Risk"), ("cy", ""))]
    made = []
    for _ in range(n):
        owner = dice.choice(people)
        cost = dice.choice([None, 0.25])
        row = things.generation(owner, at=NOW - timedelta(seconds=dice.randint(0, 36 * 86_400)))
        seconds = dice.uniform(0.1, 30)
        made.append(
            replace(
                row, model=dice.choice(["glm", "air"]), source=dice.choice([Source.CHAT, Source.API, Source.EMBEDDING]),
                finish_reason=dice.choice(list(FinishReason)), usage=Usage(dice.randint(1, 9), dice.randint(1, 9), 1), cost=cost,
                timings=Timings(seconds / 9, seconds / 3, seconds, seconds, device_s=seconds / 2),
                routing=None if cost is None else Routing("glm@gateway", cost=cost, currency="EUR"),
            )
        )  # fmt: skip
    put(database, made)
    return made


def is_answer(row: Generation) -> bool:
    return row.source not in ANSWERLESS


def test_sums_by_day_model_and_group_equal_a_recount(database: Database) -> None:
    rows = some_rows(database)
    assert rollups(database).run() == (NOW.date() - min(row.created_at for row in rows).date()).days + 1
    with SqlUnitOfWork(database) as work:
        found = {(*each.key, each.currency): each.sums for each in work.rollups.sums(EVERYTHING, By.DAY, By.MODEL, By.GROUP)}
    expected: dict[tuple[str, ...], list[Generation]] = defaultdict(list)
    for row in rows:
        hours = 2 if row.created_at < datetime(2026, 10, 25, 1, tzinfo=UTC) else 1  # Zurich's clocks go back
        day = (row.created_at + timedelta(hours=hours)).date().isoformat()
        expected[day, row.model, row.group, "EUR" if row.cost is not None else ""].append(row)
    assert set(found) == set(expected)
    for key, own in expected.items():
        sums = found[key]
        assert (sums.rows, sums.answers) == (len(own), sum(map(is_answer, own)))
        assert sums.errors == sum(is_answer(row) and row.finish_reason is FinishReason.ERROR for row in own)
        assert sums.prompt_tokens == sum(row.usage.prompt_tokens for row in own)
        assert sums.cost == pytest.approx(sum(row.cost or 0 for row in own))
        assert sums.device_s == pytest.approx(sum(row.timings.device_s or 0 for row in own))


def test_quantiles_and_people_of_a_choice_equal_a_recount(database: Database) -> None:
    rows = [row for row in some_rows(database) if is_answer(row) and row.group == "Risk"]
    rollups(database).run()
    with SqlUnitOfWork(database) as work:
        query = replace(EVERYTHING, group="Risk")
        sketches = work.rollups.sketches(query, By.MODEL)
        assert (people_of(work, query).active, people_of(work, query).new) == (2, 2)
        assert people_of(work, replace(query, group="Legal")).active == 0
        assert people_of(work, replace(query, first=LAST)).new == 0
        assert work.rollups.active_by_group(EVERYTHING) == {"Risk": 2, "": 1}
        assert work.rollups.members() == {"Risk": 2, "": 1}
        weeks = people_of(work, EVERYTHING).weeks()
    assert sum(week.new for week in weeks) == 3 and all(week.monday.weekday() == 0 for week in weeks)
    for model, by_measure in sketches.items():
        times = sorted(row.timings.duration_s for row in rows if row.model == model and row.finish_reason is not FinishReason.ERROR)
        assert by_measure[Measure.LATENCY].n == len(times)
        assert by_measure[Measure.LATENCY].quantile(0.5) == pytest.approx(times[(len(times) + 1) // 2 - 1], rel=ERROR)


def test_running_again_changes_nothing_and_a_late_row_is_counted(database: Database) -> None:
    rows = some_rows(database, 60)
    rollups(database).run()
    with SqlUnitOfWork(database) as work:
        before = work.rollups.sums(EVERYTHING, By.DAY)
    assert rollups(database).run() == 1, "today alone"
    late = replace(rows[0], id="late", source=Source.CHAT, created_at=NOW - timedelta(days=20))
    put(database, [late])
    assert rollups(database).run() == 2
    with SqlUnitOfWork(database) as work:
        after = work.rollups.sums(EVERYTHING, By.DAY)
    assert sum(each.sums.rows for each in after) == sum(each.sums.rows for each in before) + 1 == 61


def test_a_rating_that_comes_or_goes_later_is_counted(database: Database) -> None:
    ana = put_user(database)
    question = things.question(things.conversation(ana))
    put(database, [replace(things.generation(ana, at=NOW - timedelta(days=3)), message_id=question.id)])
    rollups(database).run()
    for rating, expected in ((1, (1, 1)), (-1, (1, 0))):
        with SqlUnitOfWork(database) as work:
            work.feedback.put(things.feedback(ana, question, rating))
            work.commit()
        rollups(database).run()
        with SqlUnitOfWork(database) as work:
            [all_of_it] = work.rollups.sums(EVERYTHING)
        assert (all_of_it.sums.rated, all_of_it.sums.rated_good) == expected


def test_numbers_outlive_the_rows_they_count(database: Database) -> None:
    some_rows(database, 40)
    rollups(database).run()
    with SqlUnitOfWork(database) as work:
        before = work.rollups.sums(EVERYTHING, By.DAY)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM generations WHERE created_at < '2026-11-27'")
    rollups(database, NOW + timedelta(minutes=5)).run()
    with SqlUnitOfWork(database) as work:
        assert sorted(map(repr, work.rollups.sums(EVERYTHING, By.DAY))) == sorted(map(repr, before))


def test_after_a_stop_the_missing_days_are_added_up_and_days_without_rows_count_as_zero(database: Database) -> None:
    ana = put_user(database)
    put(database, [things.generation(ana, at=NOW - timedelta(days=5))])
    rollups(database, NOW - timedelta(days=5)).run()
    put(database, [things.generation(ana, at=NOW - timedelta(days=5) + timedelta(hours=9)), things.generation(ana, at=NOW)])
    assert rollups(database).run() == 6
    with SqlUnitOfWork(database) as work:
        states = work.rollups.states(FIRST, LAST)
        assert [state.signature for _, state in sorted(states.items())] == [Signature(2), *[Signature()] * 4, Signature(1)]
        assert work.rollups.first_day() == (NOW - timedelta(days=5)).date()


def test_another_time_zone_counts_every_day_again(database: Database) -> None:
    ana = put_user(database)
    put(database, [things.generation(ana, at=datetime(2026, 9, 1, 20, tzinfo=UTC))])
    rollups(database).run()
    assert rollups(database, zone="Asia/Shanghai").run() > RECHECKED_DAYS
    with SqlUnitOfWork(database) as work:
        assert [each.key for each in work.rollups.sums(UsageQuery(date(2026, 8, 1), LAST), By.DAY)] == [("2026-09-02",)]


def test_a_second_answer_to_the_same_question_counts_as_regenerated_and_a_second_lane_does_not(database: Database) -> None:
    ana = put_user(database)
    talk = things.conversation(ana)
    asked = things.question(talk)
    with SqlUnitOfWork(database) as work:
        work.conversations.add(talk)
        work.messages.add(asked)
        for number, lane in enumerate((0, 0, 1)):
            answer = things.answer(asked)
            turn = replace(things.turn(ana, asked, answer), lane=lane, created_at=NOW - timedelta(minutes=9 - number))
            work.messages.add(answer)
            work.turns.add(turn)
            work.turns.finish(turn.id, MessageStatus.DONE)
            work.generations.add(things.generation(ana, answer, at=turn.created_at))
        work.commit()
    rollups(database).run()
    with SqlUnitOfWork(database) as work:
        [found] = work.rollups.sums(EVERYTHING)
    assert (found.sums.answers, found.sums.regenerated) == (3, 1)


def test_a_page_adds_up_the_days_that_the_job_has_not_begun(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    assert rollups(database).begin(), "nothing was asked yet"
    put(database, [things.generation(ana, at=NOW - timedelta(days=days)) for days in (0, 0, 3)])
    assert rollups(database).begin()
    with SqlUnitOfWork(database) as work:
        assert len(work.rollups.states(FIRST, LAST)) == 4
        assert sum(each.sums.answers for each in work.rollups.sums(EVERYTHING)) == 3


def test_many_rows_are_left_to_the_job_and_days_before_today_count_as_incomplete(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FEW_ROWS", 1)
    ana = put_user(database, things.user("ana"))
    put(database, [things.generation(ana, at=NOW - timedelta(days=days)) for days in (0, 0, 1)])
    assert not rollups(database).begin()
    yesterday = rollups(database, NOW - timedelta(days=1))
    yesterday.run()
    assert rollups(database).begin(), "only today is missing"
    with SqlUnitOfWork(database) as work:
        assert LAST not in work.rollups.states(FIRST, LAST)


def test_a_day_that_is_added_up_twice_at_once_counts_once(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    put(database, [things.generation(ana, at=NOW) for _ in range(3)])
    at_once = threading.Barrier(4)

    def begin() -> None:
        at_once.wait(60)
        rollups(database).run()

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(begin) for _ in range(4)]:
            each.result(60)
    with SqlUnitOfWork(database) as work:
        assert sum(each.sums.answers for each in work.rollups.sums(EVERYTHING)) == 3
