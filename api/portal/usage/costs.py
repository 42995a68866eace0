"""Serve prices, budgets and costs, for managers and admins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.review.case_shapes import Sent
from api.portal.shapes import Asked, Line, Moment
from api.services import PortalHere
from core.usage.money.records import EVERY_GROUP, Budget, CostPart, Energy, MoneyBoard, Price
from core.usage.records import UsageQuery

router = APIRouter(prefix="/api/v1/usage", tags=["usage"])

Amount = Annotated[float, Field(ge=0, le=1e9)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class PriceIn(Asked):
    model: Line
    currency: Currency
    valid_from: Sent = Field(description="Answers asked for from this time on have this price.")
    input: Amount = Field(default=0.0, description="Per million tokens.")
    cached: Amount | None = Field(default=None, description="Per million tokens; null: the same as input.")
    output: Amount = Field(default=0.0, description="Per million tokens.")
    device_hour: Amount = Field(default=0.0, description="Of an hour that a local model computes, which is measured.")
    watts: Amount = Field(default=0.0, description="Assumed power of the device.")
    kwh: Amount = Field(default=0.0, description="Of a kilowatt-hour.")


class PriceOut(PriceIn):
    pass


class RepriceIn(Asked):
    model: Line = Field(description="A model, or model@platform.")
    first: date = Field(strict=False)
    last: date = Field(strict=False, description="Inclusive.")


class RepriceOut(BaseModel):
    job_id: str


class BudgetIn(Asked):
    group: Line = Field(default=EVERY_GROUP, description="* means all groups together.")
    month: date = Field(description="The first day of the month from which it holds.", strict=False)
    amount: Amount = Field(description="0: no budget.")
    currency: Currency


class BudgetOut(BaseModel):
    group: str
    month: date
    amount: float
    currency: str
    spent: float
    forecast: float | None = Field(description="At the end of the month; null with fewer than seven counted days.")
    passed_on: date | None


class CostOut(BaseModel):
    name: str = Field(description="The model or group. Empty for the total, and for people without a group.")
    currency: str
    cost: float
    before: float = Field(description="The same number of days just before.")
    answers: int
    accepted: int = Field(description="Answers that were rated good.")
    tokens: int
    per_answer: float | None
    per_accepted: float | None

    @staticmethod
    def of(part: CostPart) -> CostOut:
        return CostOut(
            name=part.name, currency=part.currency, cost=part.cost, before=part.before, answers=part.answers, accepted=part.accepted,
            tokens=part.tokens, per_answer=part.per_answer, per_accepted=part.per_accepted,
        )  # fmt: skip


class EnergyOut(BaseModel):
    model: str
    currency: str = Field(description="Empty without a price of a kilowatt-hour.")
    computed_s: float
    measured_wh: float = Field(description="From the measured power of the GPUs while a model computed.")
    assumed_wh: float = Field(description="From the watts of the price table, for hours in which power was not measured.")
    unknown_s: float = Field(description="Computing for which there is neither.")
    cost: float | None

    @staticmethod
    def of(part: Energy) -> EnergyOut:
        return EnergyOut(
            model=part.model, currency=part.currency, computed_s=part.computed_s, measured_wh=part.measured_wh,
            assumed_wh=part.assumed_wh, unknown_s=part.unknown_s, cost=part.cost,
        )  # fmt: skip


class CostsOut(BaseModel):
    first: date
    last: date
    answers: int
    unpriced: int = Field(description="Answers without a cost.")
    total: list[CostOut]
    by_group: list[CostOut]
    by_model: list[CostOut]
    budgets: list[BudgetOut] = Field(description="Of the running month.")
    energy: list[EnergyOut] = Field(description="The electricity of local models, of all groups.")

    @staticmethod
    def of(board: MoneyBoard) -> CostsOut:
        return CostsOut(
            first=board.query.first,
            last=board.query.last,
            answers=board.answers,
            unpriced=board.unpriced,
            total=[CostOut.of(each) for each in board.total],
            by_group=[CostOut.of(each) for each in board.groups],
            by_model=[CostOut.of(each) for each in board.models],
            budgets=[
                BudgetOut(
                    group=each.budget.group, month=each.budget.month, amount=each.budget.amount, currency=each.budget.currency,
                    spent=each.spent, forecast=each.forecast, passed_on=each.passed_on,
                )
                for each in board.budgets
            ],
            energy=[EnergyOut.of(each) for each in board.energy],
        )  # fmt: skip


@router.get("/costs")
def costs(
    portal: PortalHere,
    user: SignedIn,
    first: Annotated[Day, Query(description="The first day. Default: 27 days before the last.")] = None,
    last: Annotated[Day, Query(description="The last day, inclusive. Default: today, UTC.")] = None,
    model: Annotated[Line | None, Query()] = None,
    group: Annotated[Line | None, Query()] = None,
) -> CostsOut:
    """Return the costs of a period by group and model, and the budgets of the running month."""
    last = last or datetime.now(UTC).date()
    query = UsageQuery(first=first or last - timedelta(days=27), last=last, model=model, group=group)
    return CostsOut.of(portal.money.board(user, query))


@router.get("/prices")
def prices(portal: PortalHere, user: SignedIn) -> list[PriceOut]:
    """Return all prices, newest first for each model."""
    return [
        PriceOut(
            model=each.model, currency=each.currency, valid_from=each.valid_from, input=each.input, cached=each.cached, output=each.output,
            device_hour=each.device_hour, watts=each.watts, kwh=each.kwh,
        )
        for each in portal.money.prices(user)
    ]  # fmt: skip


@router.put("/prices", status_code=204)
def set_price(body: PriceIn, portal: PortalHere, user: SignedIn) -> None:
    """Set the price of a model from a time on."""
    portal.money.set_price(user, Price(
        model=body.model, currency=body.currency, valid_from=body.valid_from, input=body.input, cached=body.cached, output=body.output,
        device_hour=body.device_hour, watts=body.watts, kwh=body.kwh,
    ))  # fmt: skip


@router.delete("/prices", status_code=204)
def remove_price(
    portal: PortalHere, user: SignedIn, model: Annotated[Line, Query()], valid_from: Annotated[Moment, Query()]
) -> None:  # fmt: skip
    """Remove a price. Costs that were computed with it stay."""
    portal.money.remove_price(user, model, valid_from)


@router.post("/prices/reprice", status_code=202)
def reprice(body: RepriceIn, portal: PortalHere, user: SignedIn) -> RepriceOut:
    """Compute the costs of past answers by the prices as they are now, as a job."""
    return RepriceOut(job_id=portal.repricing.start(user, body.model, body.first, body.last).id)


@router.put("/budgets", status_code=204)
def set_budget(body: BudgetIn, portal: PortalHere, user: SignedIn) -> None:
    """Set the budget of a group from a month on."""
    portal.money.set_budget(user, Budget(group=body.group, month=body.month, amount=body.amount, currency=body.currency))
