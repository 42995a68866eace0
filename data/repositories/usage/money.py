"""Store prices and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import bindparam, case, delete, select

from core.inference.records import Generation
from core.usage.money.pricing import cost_of
from core.usage.money.records import Budget, Price
from data.tables import BudgetTable, PriceTable
from data.transaction import Transaction

_PRICE = PriceTable.__table__.c
_BUDGET = BudgetTable.__table__.c
_VALID = (
    select(*_PRICE)
    .where(_PRICE.model.in_([bindparam("model"), bindparam("target")]), _PRICE.valid_from <= bindparam("at"))
    .order_by(case((_PRICE.model == bindparam("target"), 0), else_=1), _PRICE.valid_from.desc())
    .limit(1)
)


class SqlMoneyRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def prices(self) -> Sequence[Price]:
        return [Price(**row._mapping) for row in self._sql.all(select(*_PRICE).order_by(_PRICE.model, _PRICE.valid_from.desc()))]

    def put_price(self, price: Price) -> None:
        values = asdict(price)
        changes = [name for name in values if name not in ("model", "valid_from")]
        self._sql.upsert(PriceTable, ["model", "valid_from"], values, changes, _PRICE.model)

    def remove_price(self, model: str, valid_from: datetime) -> bool:
        return self._sql.write(delete(PriceTable).where(_PRICE.model == model, _PRICE.valid_from == valid_from)).rowcount > 0

    def budgets(self, month: date) -> Sequence[Budget]:
        newest: dict[str, Budget] = {}
        for row in self._sql.all(select(*_BUDGET).where(_BUDGET.month <= month).order_by(_BUDGET.group_name, _BUDGET.month)):
            newest[row.group_name] = Budget(group=row.group_name, month=row.month, amount=row.amount, currency=row.currency)
        return list(newest.values())

    def put_budget(self, budget: Budget) -> None:
        values = {"group_name": budget.group, "month": budget.month, "amount": budget.amount, "currency": budget.currency}
        self._sql.upsert(BudgetTable, ["group_name", "month"], values, ("amount", "currency"), _BUDGET.group_name)


def priced(sql: Transaction, generation: Generation) -> tuple[float | None, str | None]:
    """Return the cost of a generation and its currency: by the price in the platforms file, that of its model on its
    platform, or that of its model.

    An answer from the result cache costs nothing, and has no price.
    """
    if generation.cost is not None or generation.cached_at is not None:
        return generation.cost, generation.currency
    target = f"{generation.model}@{generation.platform}"
    row = sql.first(_VALID, {"model": generation.model, "target": target, "at": generation.created_at})
    if row is None:
        return None, None
    price = Price(**row._mapping)
    cost = cost_of(price, generation.usage, generation.timings.device_s)
    return cost, None if cost is None else price.currency
