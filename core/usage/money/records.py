"""Define prices of models and budgets of groups."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.errors import InvalidInput
from core.usage.records import UsageQuery

EVERY_GROUP = "*"
MAX_AMOUNT = 1e9
MAX_NAME_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a model from a time on. Amounts are in its currency.

    Tokens are priced per million. Computing of local models is priced by the hour that a model computes, and by its power: the time is
    measured, the watts are an assumption of whoever enters them.
    """

    model: str
    """A model, or a model on one platform as model@platform, whose price comes before that of the model."""
    currency: str
    input: float = 0.0
    cached: float | None = None
    """Of input that was in the cache; None means the same as `input`."""
    output: float = 0.0
    device_hour: float = 0.0
    watts: float = 0.0
    kwh: float = 0.0
    """The price of a kilowatt-hour."""
    valid_from: datetime

    def __post_init__(self) -> None:
        if not self.model or len(self.model) > MAX_NAME_LENGTH:
            raise InvalidInput("A price needs the name of a model.")
        check_currency(self.currency)
        for amount in (self.input, self.cached or 0.0, self.output, self.device_hour, self.watts, self.kwh):
            check_amount(amount)
        if not (self.input or self.cached or self.output or self.device_hour or self.watts * self.kwh):
            raise InvalidInput("Enter a price of tokens, of computing, or watts with a price of electricity.")

    @property
    def by_device(self) -> bool:
        return bool(self.device_hour or self.watts * self.kwh)

    @property
    def by_tokens(self) -> bool:
        return bool(self.input or self.cached or self.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a group may cost in a month, from this month on until another is set. amount 0: no budget. group "*": all groups together."""

    group: str
    month: date
    """The first day of the month."""
    amount: float
    currency: str

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_amount(self.amount)
        if self.month.day != 1:
            raise InvalidInput("A budget begins on the first day of a month.")


def check_currency(currency: str) -> None:
    """Raise InvalidInput unless this is the code of a currency."""
    if not re.fullmatch("[A-Z]{3}", currency):
        raise InvalidInput("A currency has three capital letters, for example USD.")


def check_amount(amount: float) -> None:
    """Raise InvalidInput for an amount that is negative, not a number or too large."""
    if not math.isfinite(amount) or not 0 <= amount <= MAX_AMOUNT:
        raise InvalidInput("An amount must be between 0 and {limit:,.0f}.", limit=MAX_AMOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    """What a group, model or the whole cost in one currency. accepted: answers that were rated good."""

    name: str
    currency: str
    cost: float
    before: float
    answers: int
    """Answers that have a cost in this currency."""
    accepted: int
    tokens: int

    @property
    def per_answer(self) -> float | None:
        return self.cost / self.answers if self.answers else None

    @property
    def per_accepted(self) -> float | None:
        return self.cost / self.accepted if self.accepted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """A budget in the running month. forecast: at its end; None with too few days to compute it. passed_on: spent or expected so."""

    budget: Budget
    spent: float
    forecast: float | None
    passed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """The electricity of a local model. cost: None if no price of a kilowatt-hour was valid; currency is empty then."""

    model: str
    currency: str
    computed_s: float
    measured_wh: float
    """From measured power."""
    assumed_wh: float
    """From the watts of the price table, for hours in which power was not measured."""
    unknown_s: float
    """Computing for which there is neither."""
    cost: float | None

    @property
    def was_measured(self) -> bool:
        return self.measured_wh > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBoard:
    query: UsageQuery
    total: Sequence[CostPart]
    """One for each currency."""
    days: Mapping[str, Sequence[float | None]]
    """The cost of each day of the period, by currency; None where nothing was counted."""
    groups: Sequence[CostPart]
    models: Sequence[CostPart]
    answers: int
    unpriced: int
    """Answers without a cost: no price was valid for their model when they ended."""
    budgets: Sequence[BudgetState]
    month: date
    energy: Sequence[Energy]
    """Of all groups, since they share the models."""
