"""Serve the caller's second factor: set it up, renew its recovery codes, turn it off."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/second-factor", tags=["session"])


class CodeIn(Asked):
    code: str = Field(max_length=100, description="The newest code of the authenticator app. Once it is on, a recovery code works too.")


class FactorOut(BaseModel):
    on: bool
    since: datetime | None = Field(description="Null: it is off.")
    recovery_codes_left: int
    required: bool = Field(description="Whether the person's role must use one.")


class SetupOut(BaseModel):
    """What an authenticator app needs."""

    secret: str = Field(description="In Base32. It is shown only here.")
    address: str = Field(description="An otpauth:// address, for a QR code.")


class CodesOut(BaseModel):
    recovery_codes: list[str] = Field(description="Each signs in once. They are shown only here.")


@router.get("")
def state(portal: PortalHere, user: SignedIn) -> FactorOut:
    """Return whether your second factor is on. An API key cannot see or change it."""
    found = portal.second_factors.state(user)
    return FactorOut(
        on=found.confirmed_at is not None, since=found.confirmed_at, recovery_codes_left=found.codes_left, required=found.required
    )


@router.post("", status_code=201)
def set_up(portal: PortalHere, user: SignedIn) -> SetupOut:
    """Create a new secret. It takes effect once one of its codes is confirmed."""
    made = portal.second_factors.set_up(user)
    return SetupOut(secret=made.secret, address=made.address)


@router.post("/confirm")
def confirm(body: CodeIn, portal: PortalHere, user: SignedIn) -> CodesOut:
    """Turn the second factor on with the first code of the app."""
    return CodesOut(recovery_codes=list(portal.second_factors.confirm(user, body.code)))


@router.post("/recovery-codes")
def renew_codes(body: CodeIn, portal: PortalHere, user: SignedIn) -> CodesOut:
    """Replace the recovery codes. The earlier ones no longer work."""
    return CodesOut(recovery_codes=list(portal.second_factors.renew_codes(user, body.code)))


@router.post("/turn-off", status_code=204)
def turn_off(body: CodeIn, portal: PortalHere, user: SignedIn) -> None:
    """Turn the second factor off, unless the role requires one."""
    portal.second_factors.turn_off(user, body.code)
