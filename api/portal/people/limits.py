"""Serve limits: admins set them, everyone sees their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.access.records import MAX_AMOUNT, AtLimit, Holder, LimitRule, LimitState, Measure, Period

router = APIRouter(prefix="/api/v1/limits", tags=["people"])


class PutLimit(Asked):
    holder: Annotated[Holder, Field(strict=False)]
    subject: Line = Field(default="", description="A user name, a group's name or a key's id; empty for everyone.")
    measure: Annotated[Measure, Field(strict=False)]
    period: Annotated[Period, Field(strict=False)] = Field(description="minute, day or month (calendar, UTC); now for concurrent answers.")
    amount: int = Field(ge=1, le=MAX_AMOUNT)
    at_limit: Annotated[AtLimit, Field(strict=False)] = AtLimit.REFUSE
    model: Line = Field(default="", max_length=200, description="The model that answers at the limit, with cheaper.")


class LimitOut(BaseModel):
    id: str
    holder: Holder
    subject: str = Field(description="A person's id, a group's name or a key's id; empty for everyone.")
    measure: Measure
    period: Period
    amount: int
    at_limit: AtLimit
    model: str

    @staticmethod
    def of(rule: LimitRule) -> LimitOut:
        return LimitOut(
            id=rule.id, holder=rule.holder, subject=rule.subject, measure=rule.measure, period=rule.period, amount=rule.amount,
            at_limit=rule.at_limit, model=rule.model,
        )  # fmt: skip


class LimitsOut(BaseModel):
    items: list[LimitOut]


class OwnLimit(BaseModel):
    measure: Measure
    period: Period
    shared: bool = Field(description="Whether the whole group counts together.")
    amount: int
    used: int
    resets_at: datetime | None = Field(description="null for concurrent answers.")

    @staticmethod
    def of(state: LimitState) -> OwnLimit:
        rule = state.rule
        return OwnLimit(
            measure=rule.measure, period=rule.period, shared=rule.holder is Holder.GROUP, amount=rule.amount, used=state.used,
            resets_at=state.resets_at,
        )  # fmt: skip


class OwnLimitsOut(BaseModel):
    items: list[OwnLimit]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> LimitsOut:
    return LimitsOut(items=[LimitOut.of(each) for each in portal.limits.rules(user)])


@router.get("/own")
def own(portal: PortalHere, user: SignedIn) -> OwnLimitsOut:
    """List the limits that apply to the caller, and how much of each is used."""
    return OwnLimitsOut(items=[OwnLimit.of(each) for each in portal.limits.states(user)])


@router.put("")
def put(body: PutLimit, portal: PortalHere, user: SignedIn) -> LimitOut:
    """Set a limit. It replaces an existing limit for the same holder, measure and period."""
    return LimitOut.of(portal.limits.put(user, LimitRule(id=uuid4().hex, **body.model_dump())))


@router.delete("/{limit_id}", status_code=204)
def remove(limit_id: Id, portal: PortalHere, user: SignedIn) -> None:
    portal.limits.remove(user, limit_id)
