"""The boards over stored rows: what they add up, who may read them, and which titles they show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import NotAllowed
from core.inference.records import FinishReason, Generation, Source
from core.people.records import Group, Role
from core.usage.boards.rows import AnswerLines
from core.usage.boards.service import Boards
from core.usage.own import OwnUsage
from core.usage.records import UsageQuery
from core.usage.rollups import service
from core.usage.rollups.service import Rollups
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
BOSS = things.user("boss", Role.MANAGER, group="Risk")
WEEK = UsageQuery(date(2026, 11, 22), date(2026, 11, 28))


def unit(database: Database) -> SqlUnitOfWork:
    return SqlUnitOfWork(database)


def boards(database: Database) -> Boards:
    rollups = Rollups(lambda: unit(database), lambda: NOW)
    rollups.run()
    return Boards(lambda: unit(database), rollups, lambda: NOW)


def put(database: Database, rows: list[Generation]) -> None:
    with unit(database) as work:
        for row in rows:
            work.generations.add(row)
        work.commit()


def test_the_overview_compares_with_the_days_before_and_days_before_the_first_row_are_unknown(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana", group="Risk")), put_user(database, things.user("bo", group="Legal"))
    put(database, [things.generation(ana, at=NOW - timedelta(days=days)) for days in (8, 1, 1)] + [things.generation(bo, at=NOW)])
    board = boards(database).overview(BOSS, WEEK)
    assert (board.now.answers, board.before.answers, board.people.now, board.people.before, board.new_people) == (3, 1, 2, 1, 1)
    assert [(each.name, each.now.answers, each.before.answers) for each in board.groups] == [("Risk", 2, 1), ("Legal", 1, 0)]
    longer = boards(database).overview(BOSS, UsageQuery(date(2026, 11, 18), date(2026, 11, 28)))
    assert [each.sums is None for each in longer.days] == [True, True, *[False] * 9]
    assert [each.people for each in longer.days] == [None, None, 1, 0, 0, 0, 0, 0, 0, 1, 1]


def test_an_empty_period_names_the_latest_day_of_the_choice(database: Database) -> None:
    ana = put_user(database, things.user("ana", group="Legal"))
    put(database, [things.generation(ana, at=NOW - timedelta(days=40))])
    board = boards(database).overview(BOSS, replace(WEEK, group="Legal"))
    assert board.now.answers == 0 and board.latest == date(2026, 10, 19)
    assert boards(database).overview(BOSS, replace(WEEK, group="Risk")).latest is None


def test_groups_that_do_not_use_it_come_first(database: Database) -> None:
    ana = put_user(database, things.user("ana", group="Risk"))
    for name in ("bo", "cy"):
        put_user(database, things.user(name, group="Legal"))
    put_user(database, things.user("gone", group="Risk", active=False))
    put(database, [things.generation(ana, at=NOW)])
    board = boards(database).adoption(BOSS, WEEK)
    assert [(each.name, each.members, each.active) for each in board.groups] == [("Legal", 2, 0), ("Risk", 1, 1)]
    assert board.members == 3 and board.answers_a_person.now == 1 and board.answers_a_person.before is None


def test_quality_speed_and_capacity_read_the_same_rows(database: Database) -> None:
    ana = put_user(database)
    rows = [things.generation(ana, at=NOW - timedelta(hours=hours)) for hours in range(4)]
    rows[0] = replace(rows[0], finish_reason=FinishReason.ERROR)
    rows.append(replace(rows[1], id="vector", source=Source.EMBEDDING))
    put(database, rows)
    made = boards(database)
    quality, speed, capacity = made.quality(BOSS, WEEK), made.speed(BOSS, WEEK), made.capacity(BOSS, WEEK)
    assert (quality.now.answers, quality.now.errors, quality.now.retries) == (4, 1, 4)
    assert sum(sketch.n for sketch in speed.now.values()) == 3 * 4 and list(speed.models) == ["glm-4-9b"]
    assert sum(cell.answers for cell in capacity.heat.values()) == 4 and capacity.busiest is None, "these rows measured no computing"
    assert (capacity.reused.good, capacity.reused.of) == (500, 600)


def test_only_people_who_may_see_usage_read_boards(database: Database) -> None:
    ana = put_user(database)
    made = boards(database)
    lines = AnswerLines(lambda: unit(database), Rollups(lambda: unit(database), lambda: NOW))
    for ask in (made.overview, made.adoption, made.quality, made.speed, made.capacity, lines.of_days):
        with pytest.raises(NotAllowed):
            ask(ana, WEEK)
    with pytest.raises(NotAllowed):
        made.choices(ana)


def test_lines_show_titles_of_own_and_shared_chats_only(database: Database) -> None:
    boss = put_user(database, BOSS)
    ana = put_user(database, things.user("ana", group="Legal"))
    titles = {"own": boss, "for the group": ana, "for everybody": ana, "for others": ana, "secret": ana}
    with unit(database) as work:
        for name in ("Risk", "Legal"):
            work.groups.ensure(Group(id=name.lower(), name=name, created_at=NOW))
        for title, owner in titles.items():
            talk = things.conversation(owner, title)
            question = things.question(talk)
            work.conversations.add(talk)
            work.messages.add(question)
            answer = things.answer(question)
            work.messages.add(answer)
            work.generations.add(things.generation(owner, answer, at=NOW - timedelta(minutes=5)))
            group = {"for the group": "risk", "for everybody": None, "for others": "legal"}
            if title in group:
                work.shares.add(replace(things.share(owner, talk.id, title), group_id=group[title]), "[]")
        work.commit()
    lines = AnswerLines(lambda: unit(database), Rollups(lambda: unit(database), lambda: NOW)).of_days(boss, WEEK)
    assert sorted(each.title or "" for each in lines) == ["", "", "", "for the group", "own"]
    assert len(AnswerLines(lambda: unit(database), Rollups(lambda: unit(database), lambda: NOW)).of_days(boss, WEEK, 2)) == 2


def test_after_midnight_the_boards_show_what_was_counted_until_then(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = put_user(database, things.user("ana"))
    put(database, [things.generation(ana, at=NOW)])
    assert boards(database).choices(BOSS).counted_until == NOW
    midnight = NOW + timedelta(hours=15)
    put(database, [things.generation(ana, at=midnight)])
    later = Boards(lambda: unit(database), Rollups(lambda: unit(database), lambda: midnight), lambda: midnight)
    with monkeypatch.context() as many:
        many.setattr(service, "FEW_ROWS", 0)
        assert later.choices(BOSS).counted_until == NOW
    assert later.choices(BOSS).counted_until == midnight


def test_boards_wait_while_earlier_days_are_being_added_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FEW_ROWS", 0)
    put(database, [things.generation(put_user(database, things.user("ana")), at=NOW - timedelta(days=3))])
    rollups = Rollups(lambda: unit(database), lambda: NOW)
    board = Boards(lambda: unit(database), rollups, lambda: NOW)
    assert board.choices(BOSS).counted_until is None
    rollups.run()
    assert board.choices(BOSS).counted_until == NOW


def test_people_see_their_own_answers_by_day_and_model(database: Database) -> None:
    ann, bo = put_user(database, things.user("ann")), put_user(database, things.user("bo"))
    asked = ((0, "glm"), (0, "glm"), (3, "air"), (27, "glm"), (28, "glm"))
    put(database, [things.generation(ann, at=NOW - timedelta(days=days), model=model) for days, model in asked])
    put(database, [things.generation(bo, at=NOW, model="glm")])
    rollups = Rollups(lambda: unit(database), lambda: NOW)
    rollups.run()
    use = OwnUsage(lambda: unit(database), rollups).read(ann)
    found = [(each.day, each.model, each.answers) for each in use.answers]
    assert found == [(use.first, "glm", 1), (date(2026, 11, 25), "air", 1), (use.last, "glm", 2)]
