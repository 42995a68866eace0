"""Set prices and budgets, and compute the Money board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.boards.service import counted_days, days_of
from core.usage.machines.records import HOUR_S, Subject
from core.usage.money.energy import energy_of
from core.usage.money.forecast import WEEKS, expected_days, passes_on
from core.usage.money.records import EVERY_GROUP, Budget, BudgetState, CostPart, Energy, MoneyBoard, Price
from core.usage.records import UsageQuery
from core.usage.rollups.days import bounds_of
from core.usage.rollups.records import By
from core.usage.rollups.service import Rollups


class Money:
    """Keeps prices, which admins set, and budgets, which everyone sets who may see usage. Nothing is stopped when a budget is passed."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, rollups: Rollups, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._rollups = rollups
        self._clock = clock

    def prices(self, user: User) -> Sequence[Price]:
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return work.money.prices()

    def set_price(self, user: User, price: Price) -> None:
        """Set the price of a model from a time on. Answers that have ended keep their cost."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            work.money.put_price(price)
            mark(work, price.valid_from, Change.PRICE, price.model, currency=price.currency)
            record(work, self._clock(), user.id, "price.set", price.model, since=price.valid_from.isoformat(), currency=price.currency)
            work.commit()

    def remove_price(self, user: User, model: str, valid_from: datetime) -> None:
        """Remove a price. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            if not work.money.remove_price(model, valid_from):
                raise NotFound("This price does not exist.")
            record(work, self._clock(), user.id, "price.remove", model, since=valid_from.isoformat())
            work.commit()

    def set_budget(self, user: User, budget: Budget) -> None:
        """Set the budget of a group from a month on."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            work.money.put_budget(budget)
            details = {"month": f"{budget.month:%Y-%m}", "amount": f"{budget.amount:g}", "currency": budget.currency}
            record(work, self._clock(), user.id, "budget.set", budget.group, **details)
            work.commit()

    def board(self, user: User, query: UsageQuery) -> MoneyBoard:
        """Return the costs of a period, and the budgets of the running month."""
        require(user, Permission.VIEW_USAGE)
        today = self._rollups.today()
        with self._unit_of_work() as work:
            sums = work.rollups.sums(query)
            return MoneyBoard(
                query=query,
                total=_parts(work, query),
                days=_days(work, query),
                groups=_parts(work, query, By.GROUP),
                models=_parts(work, query, By.MODEL),
                answers=sum(each.sums.answers for each in sums),
                unpriced=sum(each.sums.answers for each in sums if not each.currency),
                budgets=self._budgets(work, query.group, today),
                month=today.replace(day=1),
                energy=self._energy(work, query),
            )

    def _energy(self, work: UnitOfWork, query: UsageQuery) -> list[Energy]:
        since, until = bounds_of(query.first, self._rollups.zone)[0], bounds_of(query.last, self._rollups.zone)[1]
        gpus = work.machines.spans(HOUR_S, since, until, Subject.GPU)
        return energy_of(work.rollups.hours(replace(query, group=None)), gpus, work.money.prices())

    def _budgets(self, work: UnitOfWork, group: str | None, today: date) -> list[BudgetState]:
        """Return the budgets of this month. group: only that of this group and that of all groups."""
        costs, unspent = _costs_by_group(work, today)
        found = []
        for budget in work.money.budgets(today.replace(day=1)):
            if not budget.amount or (group is not None and budget.group not in (group, EVERY_GROUP)):
                continue
            own = costs.get((budget.group, budget.currency), unspent)
            spent = sum((cost for day, cost in own.items() if today.replace(day=1) <= day <= today), 0.0)
            expected = expected_days(own, today)
            forecast = None if expected is None else spent + sum(expected.values())
            found.append(
                BudgetState(
                    budget=budget,
                    spent=spent,
                    forecast=forecast,
                    passed_on=passes_on(own, expected or {}, today, budget.amount),
                )
            )
        return found


def _costs_by_group(work: UnitOfWork, today: date) -> tuple[Mapping[tuple[str, str], dict[date, float]], dict[date, float]]:
    """Return the cost of each counted day of this month and the four weeks before, by group and currency; and days without any cost."""
    query = UsageQuery(first=min(today.replace(day=1), today - timedelta(weeks=WEEKS)), last=today)
    unspent = dict.fromkeys(counted_days(work, query), 0.0)
    costs: dict[tuple[str, str], dict[date, float]] = defaultdict(unspent.copy)
    for each in work.rollups.sums(query, By.DAY, By.GROUP):
        if each.currency:
            day, group = date.fromisoformat(each.key[0]), each.key[1]
            for name in {group, EVERY_GROUP}:
                costs[name, each.currency][day] = costs[name, each.currency].get(day, 0.0) + each.sums.cost
    return costs, unspent


def _parts(work: UnitOfWork, query: UsageQuery, *by: By) -> list[CostPart]:
    """Return the costs of a period by this part and by currency, highest first."""
    before = {(each.key, each.currency): each.sums.cost for each in work.rollups.sums(query.before, *by)}
    found = [
        CostPart(
            name=each.key[0] if by else "", currency=each.currency, cost=each.sums.cost, before=before.get((each.key, each.currency), 0.0),
            answers=each.sums.answers, accepted=each.sums.rated_good, tokens=each.sums.tokens,
        )
        for each in work.rollups.sums(query, *by)
        if each.currency
    ]  # fmt: skip
    return sorted(found, key=lambda part: (-part.cost, part.name, part.currency))


def _days(work: UnitOfWork, query: UsageQuery) -> Mapping[str, Sequence[float | None]]:
    counted = set(counted_days(work, query))
    costs: dict[str, dict[date, float]] = defaultdict(dict)
    for each in work.rollups.sums(query, By.DAY):
        if each.currency:
            costs[each.currency][date.fromisoformat(each.key[0])] = each.sums.cost
    return {
        currency: [own.get(day, 0.0) if day in counted else None for day in days_of(query)] for currency, own in sorted(costs.items())
    }
