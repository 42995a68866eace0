"""Serve policies for personal data, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line, Prose
from api.services import PortalHere
from core.privacy.records import MAX_PATTERNS, Action, Kind, PrivacyPolicy

router = APIRouter(prefix="/api/v1/privacy", tags=["people"])
GroupName = Annotated[Line, InPath(description="A group's name, or * for every group without a policy of its own.")]
Chosen = Annotated[Action, Field(strict=False)]


class PutPolicy(Asked):
    input: Chosen = Field(default=Action.OFF, description="Questions, files and requests: off, warn, mask or refuse.")
    output: Chosen = Field(default=Action.OFF, description="Answers and exports: off or mask.")
    kinds: list[Annotated[Kind, Field(strict=False)]] = Field(default=list(Kind), max_length=len(Kind))
    patterns: list[Prose] = Field(default=[], max_length=MAX_PATTERNS, description="Own patterns, in the syntax of RE2.")


class PolicyOut(BaseModel):
    group: str
    input: Action
    output: Action
    kinds: list[Kind]
    patterns: list[str]

    @staticmethod
    def of(policy: PrivacyPolicy) -> PolicyOut:
        kinds = [each for each in Kind if each in policy.kinds]
        return PolicyOut(group=policy.group, input=policy.input, output=policy.output, kinds=kinds, patterns=list(policy.patterns))


class PoliciesOut(BaseModel):
    items: list[PolicyOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> PoliciesOut:
    return PoliciesOut(items=[PolicyOut.of(each) for each in portal.privacy.policies(user)])


@router.put("/{group}")
def put(group: GroupName, body: PutPolicy, portal: PortalHere, user: SignedIn) -> PolicyOut:
    """Set how a group treats personal data."""
    policy = PrivacyPolicy(
        group=group, input=body.input, output=body.output, kinds=frozenset(body.kinds), patterns=tuple(body.patterns)
    )
    portal.privacy.put(user, policy)
    return PolicyOut.of(policy)


@router.delete("/{group}", status_code=204)
def remove(group: GroupName, portal: PortalHere, user: SignedIn) -> None:
    portal.privacy.remove(user, group)
