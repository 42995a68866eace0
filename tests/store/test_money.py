"""Costs of stored rows by the portal's prices, and the Money board."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import Conflict, NotAllowed, NotFound
from core.inference.records import Routing, Usage
from core.people.records import Role, User
from core.tasks.handlers import Report as Progress
from core.tasks.jobs import Jobs
from core.usage.money.records import EVERY_GROUP, Budget, Price
from core.usage.money.repricing import Repricing
from core.usage.money.service import Money
from core.usage.records import UsageQuery
from core.usage.rollups.service import Rollups
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user

NOW = datetime(2026, 11, 16, 10, tzinfo=UTC)
MONTH = UsageQuery(date(2026, 11, 1), date(2026, 11, 16))
PRICE = Price(model="glm-4-9b", currency="USD", input=1.0, output=10.0, valid_from=NOW - timedelta(days=20))


def money(database: Database) -> tuple[Money, Rollups]:
    rollups = Rollups(lambda: SqlUnitOfWork(database), lambda: NOW)
    return Money(lambda: SqlUnitOfWork(database), rollups, lambda: NOW), rollups


def ask(database: Database, owner: User, at: datetime, **changes: object) -> None:
    row = replace(things.generation(owner, at=at), usage=Usage(1_000_000, 100_000))
    with SqlUnitOfWork(database) as work:
        work.generations.add(replace(row, **changes))  # type: ignore[arg-type]
        work.commit()


def test_a_wrong_price_is_mended_and_past_costs_are_computed_anew(database: Database) -> None:
    boss = put_user(database, things.user("boss", Role.ADMIN))
    made, rollups = money(database)
    made.set_price(boss, replace(PRICE, input=100.0))
    ask(database, boss, NOW - timedelta(days=3))
    ask(database, boss, NOW - timedelta(days=2))
    ask(database, boss, NOW - timedelta(days=2), model="another")
    ask(database, boss, NOW - timedelta(days=2), cost=7.0, routing=Routing("glm@gateway", cost=7.0, currency="EUR"))
    rollups.run()
    made.set_price(boss, PRICE)
    assert {each.currency: each.cost for each in made.board(boss, MONTH).total} == {"USD": 202.0, "EUR": 7.0}
    jobs = Jobs(lambda: SqlUnitOfWork(database), lambda: NOW)
    repricing = Repricing(lambda: SqlUnitOfWork(database), jobs, rollups, lambda: NOW)
    day = (NOW - timedelta(days=2)).date()
    job = repricing.start(boss, PRICE.model, day, day)
    with pytest.raises(Conflict):
        repricing.start(boss, PRICE.model, day, day)
    [kind] = repricing.job_kinds()
    assert kind.run(job, Progress(threading.Event())) == {"answers": 1, "skipped_days": 0}
    assert {each.currency: each.cost for each in made.board(boss, MONTH).total} == {"USD": 103.0, "EUR": 7.0}
    assert kind.run(job, Progress(threading.Event())) == {"answers": 0, "skipped_days": 0}, "again changes nothing"
    with SqlUnitOfWork(database) as work:
        assert [each.kind for each in work.swaps.markers(NOW - timedelta(days=3), NOW)] == ["price.reprice"]
    with pytest.raises(NotAllowed):
        repricing.start(replace(boss, role=Role.MANAGER), PRICE.model, day, day)


def test_a_price_on_a_platform_comes_before_that_of_the_model(database: Database) -> None:
    boss = put_user(database, things.user("boss", Role.ADMIN))
    made, rollups = money(database)
    row = things.generation(boss, at=NOW)
    made.set_price(boss, replace(PRICE, valid_from=NOW - timedelta(days=1)))
    made.set_price(boss, replace(PRICE, model=f"{row.model}@{row.platform}", input=5.0, output=0.0, valid_from=NOW - timedelta(days=9)))
    made.set_price(boss, replace(PRICE, model=f"{row.model}@elsewhere", input=9.0, output=0.0, valid_from=NOW - timedelta(days=9)))
    ask(database, boss, NOW)
    ask(database, boss, NOW, platform="third")
    rollups.run()
    assert [each.cost for each in made.board(boss, MONTH).total] == [5.0 + 2.0]


def test_the_price_that_was_valid_counts_and_a_later_one_changes_nothing(database: Database) -> None:
    boss, ana = put_user(database, things.user("boss", Role.ADMIN)), put_user(database, things.user("ana", group="Risk"))
    made, rollups = money(database)
    ask(database, ana, NOW - timedelta(days=3))
    made.set_price(boss, PRICE)
    ask(database, ana, NOW - timedelta(days=21))
    ask(database, ana, NOW - timedelta(days=2))
    made.set_price(boss, replace(PRICE, input=3.0, valid_from=NOW - timedelta(days=1)))
    ask(database, ana, NOW - timedelta(days=2))
    ask(database, ana, NOW)
    ask(database, ana, NOW, model="another")
    ask(database, ana, NOW, cached_at=NOW)
    ask(database, ana, NOW, cost=7.0, routing=Routing("glm@gateway", cost=7.0, currency="EUR"))
    rollups.run()
    board = made.board(boss, MONTH)
    assert {each.currency: (each.cost, each.answers) for each in board.total} == {"USD": (2.0 + 2.0 + 4.0, 3), "EUR": (7.0, 1)}
    assert (board.answers, board.unpriced) == (7, 3)
    assert board.days["USD"][-3:] == [4.0, 0.0, 4.0] and sum(value or 0 for value in board.days["EUR"]) == 7
    made.remove_price(boss, PRICE.model, PRICE.valid_from)
    rollups.run()
    assert made.board(boss, MONTH).total == board.total and len(made.prices(boss)) == 1
    with pytest.raises(NotFound):
        made.remove_price(boss, PRICE.model, PRICE.valid_from)


def test_accepted_answers_bear_the_cost_of_all(database: Database) -> None:
    boss, ana = put_user(database, things.user("boss", Role.ADMIN)), put_user(database, things.user("ana", group="Risk"))
    made, rollups = money(database)
    made.set_price(boss, PRICE)
    question = things.question(things.conversation(ana))
    for message in (question.id, None, None, None):
        ask(database, ana, NOW - timedelta(days=2), message_id=message)
    with SqlUnitOfWork(database) as work:
        work.feedback.put(things.feedback(ana, question, 1))
        work.commit()
    rollups.run()
    [total] = made.board(boss, MONTH).total
    assert (total.cost, total.per_answer, total.per_accepted) == (8.0, 2.0, 8.0)


def test_budgets_hold_from_their_month_on_and_tell_when_they_are_passed(database: Database) -> None:
    boss, ana = put_user(database, things.user("boss", Role.ADMIN)), put_user(database, things.user("ana", group="Risk"))
    manager = put_user(database, things.user("manager", Role.MANAGER))
    made, rollups = money(database)
    made.set_price(boss, replace(PRICE, valid_from=NOW - timedelta(days=60)))
    for days in range(1, 29):
        ask(database, ana, NOW - timedelta(days=days))
    rollups.run()
    wanted = ((EVERY_GROUP, 10, 1000), ("Risk", 10, 9), ("Risk", 11, 40), ("Legal", 11, 5), ("Risk", 12, 1), ("Old", 10, 5))
    for group, month, amount in wanted:
        made.set_budget(manager, Budget(group=group, month=date(2026, month, 1), amount=amount, currency="USD"))
    made.set_budget(manager, Budget(group="Old", month=date(2026, 11, 1), amount=0, currency="USD"))
    found = {each.budget.group: each for each in made.board(manager, MONTH).budgets}
    assert set(found) == {EVERY_GROUP, "Risk", "Legal"}
    # Fifteen days at 2, and fourteen more after today.
    assert (found["Risk"].spent, found["Risk"].forecast, found["Risk"].passed_on) == (30.0, 58.0, date(2026, 11, 22))
    assert (found[EVERY_GROUP].forecast, found[EVERY_GROUP].passed_on) == (58.0, None)
    assert (found["Legal"].spent, found["Legal"].forecast, found["Legal"].passed_on) == (0.0, 0.0, None)
    assert {each.budget.group for each in made.board(manager, replace(MONTH, group="Legal")).budgets} == {EVERY_GROUP, "Legal"}


def test_managers_set_budgets_admins_prices_and_analysts_neither(database: Database) -> None:
    manager, ana = put_user(database, things.user("manager", Role.MANAGER)), put_user(database)
    made, _ = money(database)
    budget = Budget(group="Risk", month=date(2026, 11, 1), amount=1, currency="USD")
    for refused in (
        lambda: made.set_price(manager, PRICE), lambda: made.remove_price(manager, "glm", NOW), lambda: made.set_budget(ana, budget),
        lambda: made.prices(ana), lambda: made.board(ana, MONTH),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            refused()
    made.set_budget(manager, budget)
    with SqlUnitOfWork(database) as work:
        assert [each.amount for each in work.money.budgets(date(2027, 3, 1))] == [1] and work.money.budgets(date(2026, 10, 1)) == []
