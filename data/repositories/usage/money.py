"""Store prices and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import bindparam, case, delete, select, update

from core.inference.records import Generation, Usage
from core.usage.money.pricing import cost_of
from core.usage.money.records import Budget, Price
from data.tables import BudgetTable, GenerationTable, PriceTable
from data.transaction import Transaction

_PRICE = PriceTable.__table__.c
_BUDGET = BudgetTable.__table__.c
_ROW = GenerationTable.__table__.c
_REPRICE = update(GenerationTable).where(_ROW.id == bindparam("row")).values(cost=bindparam("new_cost"), currency=bindparam("new_currency"))
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

    def reprice(self, model: str, since: datetime, until: datetime) -> int:
        name, _, platform = model.rpartition("@")
        of_model = (_ROW.model == model) | ((_ROW.model == name) & (_ROW.platform == platform))
        own = _ROW.cost.is_(None) | _ROW.currency.is_not(None)
        columns = (_ROW.id, _ROW.model, _ROW.platform, _ROW.created_at, _ROW.prompt_tokens, _ROW.completion_tokens, _ROW.cached_tokens,
                   _ROW.device_s, _ROW.cost, _ROW.currency)  # fmt: skip
        rows = self._sql.all(
            select(*columns).where(_ROW.created_at >= since, _ROW.created_at < until, of_model, own, _ROW.cached_at.is_(None))
        )
        changed = []
        for row in rows:
            usage = Usage(row.prompt_tokens, row.completion_tokens, row.cached_tokens)
            cost, currency = _by_price(self._sql, row.model, row.platform, row.created_at, usage, row.device_s)
            if (cost, currency) != (row.cost, row.currency):
                changed.append({"row": row.id, "new_cost": cost, "new_currency": currency})
        if changed:
            self._sql.write(_REPRICE, changed)
        return len(changed)

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
    return _by_price(
        sql, generation.model, generation.platform, generation.created_at, generation.usage, generation.timings.device_s
    )


def _by_price(
    sql: Transaction, model: str, platform: str, at: datetime, usage: Usage, device_s: float | None
) -> tuple[float | None, str | None]:
    row = sql.first(_VALID, {"model": model, "target": f"{model}@{platform}", "at": at})
    if row is None:
        return None, None
    price = Price(**row._mapping)
    cost = cost_of(price, usage, device_s)
    return cost, None if cost is None else price.currency
