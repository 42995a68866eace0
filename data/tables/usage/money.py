"""Define the tables of prices and budgets."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class PriceTable(Table):
    """Prices of models. They stay when a newer one is set, as proof of what answers cost."""

    __tablename__ = "usage_prices"

    model: Mapped[str] = mapped_column(String(300), primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    input: Mapped[float]
    cached: Mapped[float | None]
    output: Mapped[float]
    device_hour: Mapped[float]
    watts: Mapped[float]
    kwh: Mapped[float]


class BudgetTable(Table):
    """Budgets of groups, each from a month on."""

    __tablename__ = "usage_budgets"

    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    amount: Mapped[float]
    currency: Mapped[str] = mapped_column(String(3))
