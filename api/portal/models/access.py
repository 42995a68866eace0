"""Serve the access rules of models and presets, and the default models of groups."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.inference.choosing.access import MAX_GROUPS, MAX_MODEL_LENGTH
from core.inference.offers import AccessRule

router = APIRouter(prefix="/api/v1", tags=["models"])

ModelName = Annotated[Line, InPath(max_length=MAX_MODEL_LENGTH)]


class RuleIn(Asked):
    roles: list[Line] = Field(default=[], max_length=100, description="Built-in or custom ones.")
    groups: list[Line] = Field(default=[], max_length=MAX_GROUPS)


class RuleOut(BaseModel):
    model: str
    roles: list[str]
    groups: list[str]

    @staticmethod
    def of(rule: AccessRule) -> RuleOut:
        return RuleOut(model=rule.model, roles=sorted(rule.roles), groups=sorted(rule.groups))


class RulesOut(BaseModel):
    items: list[RuleOut] = Field(description="Models without a rule are for everyone.")


class GroupModelIn(Asked):
    group: Line = Field(min_length=1)
    model: Line | None = Field(description="A model or preset; null removes the group's default.")


class GroupModelsOut(BaseModel):
    items: dict[str, str] = Field(description="The default model or preset by group.")


@router.get("/model-access")
def rules(portal: PortalHere, user: SignedIn) -> RulesOut:
    """List the models and presets that only some people may use."""
    return RulesOut(items=[RuleOut.of(rule) for rule in portal.model_access.rules(user).values()])


@router.put("/model-access/{name}")
def restrict(name: ModelName, body: RuleIn, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Let only these roles and groups use a model or preset. With neither, everyone may."""
    return RuleOut.of(portal.model_access.restrict(user, name, body.roles, body.groups))


@router.get("/group-models")
def group_models(portal: PortalHere, user: SignedIn) -> GroupModelsOut:
    """List the default models of groups."""
    return GroupModelsOut(items=dict(portal.model_access.group_models(user)))


@router.put("/group-models")
def set_group_model(body: GroupModelIn, portal: PortalHere, user: SignedIn) -> GroupModelsOut:
    """Set or remove the model that a group's members use unless they choose another."""
    portal.model_access.set_group_model(user, body.group, body.model)
    return group_models(portal, user)
