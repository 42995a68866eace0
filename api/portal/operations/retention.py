"""Serve retention rules and legal holds, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import Portal, PortalHere
from core.operations.records import EVERY_GROUP, RetentionKind
from core.people.records import User

router = APIRouter(prefix="/api/v1/retention", tags=["retention"])


class RuleIn(Asked):
    kind: RetentionKind = Field(strict=False)
    group: Line = Field(default=EVERY_GROUP, description="* means every group without its own rule.")
    days: int | None = Field(description="null removes the rule.")


class RuleOut(BaseModel):
    kind: str
    group: str
    days: int


class HoldIn(Asked):
    reason: Line


class HoldOut(BaseModel):
    name: str
    reason: str
    placed_at: datetime


class RetentionOut(BaseModel):
    rules: list[RuleOut]
    holds: list[HoldOut]

    @staticmethod
    def of(portal: Portal, user: User) -> RetentionOut:
        rules, holds = portal.retention.rules(user), portal.retention.holds(user)
        return RetentionOut(
            rules=[RuleOut(kind=each.kind, group=each.group, days=each.days) for each in rules],
            holds=[HoldOut(name=each.user_name, reason=each.reason, placed_at=each.placed_at) for each in holds],
        )


class Applied(BaseModel):
    deleted: int


@router.get("")
def state(portal: PortalHere, user: SignedIn) -> RetentionOut:
    return RetentionOut.of(portal, user)


@router.put("/rules")
def set_rule(body: RuleIn, portal: PortalHere, user: SignedIn) -> RetentionOut:
    portal.retention.set_rule(user, body.kind, body.group, body.days)
    return RetentionOut.of(portal, user)


@router.put("/holds/{name}")
def place_hold(name: Annotated[Line, InPath()], body: HoldIn, portal: PortalHere, user: SignedIn) -> RetentionOut:
    portal.retention.place_hold(user, name, body.reason)
    return RetentionOut.of(portal, user)


@router.delete("/holds/{name}")
def lift_hold(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> RetentionOut:
    portal.retention.lift_hold(user, name)
    return RetentionOut.of(portal, user)


@router.post("/apply")
def apply(portal: PortalHere, user: SignedIn) -> Applied:
    """Delete everything that is due now."""
    return Applied(deleted=portal.retention.apply(user))
