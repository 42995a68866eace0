"""Let people decide whether their chats may be used to improve models."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked
from api.services import PortalHere
from core.review.training_consent import Consent

router = APIRouter(prefix="/api/v1/training-consent", tags=["feedback"])


class Choice(Asked):
    agreed: bool | None = Field(description="null: follow the group.")


class ConsentOut(BaseModel):
    agreed: bool = Field(description="Whether your rated answers may get into datasets.")
    own: bool = Field(description="false: you did not decide, and the default of your group applies.")

    @staticmethod
    def of(consent: Consent) -> ConsentOut:
        return ConsentOut(agreed=consent.agreed, own=consent.own)


@router.get("")
def read(portal: PortalHere, user: SignedIn) -> ConsentOut:
    """Tell whether your chats may be used to improve models."""
    return ConsentOut.of(portal.training_consent.get(user))


@router.put("")
def choose(body: Choice, portal: PortalHere, user: SignedIn) -> ConsentOut:
    """Decide whether your chats may be used to improve models."""
    return ConsentOut.of(portal.training_consent.choose(user, body.agreed))
