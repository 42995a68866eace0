"""Declare the repository of prices and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from core.usage.money.records import Budget, Price


class MoneyRepository(Protocol):
    """Stores prices and budgets."""

    def prices(self) -> Sequence[Price]:
        """Return all prices, by model, newest first."""
        ...

    def put_price(self, price: Price) -> None:
        """Store a price in the place of one of the same model and time."""
        ...

    def remove_price(self, model: str, valid_from: datetime) -> bool: ...
    def reprice(self, model: str, since: datetime, until: datetime) -> int:
        """Compute the costs of rows created in [since, until) by the prices as they are now; return how many have changed.

        model: a model, or model@platform. Costs by the platforms file and answers from the result cache stay as they are.
        """
        ...

    def budgets(self, month: date) -> Sequence[Budget]:
        """Return the budgets that hold in this month, by group."""
        ...

    def put_budget(self, budget: Budget) -> None:
        """Store a budget in the place of one of the same group and month."""
        ...
