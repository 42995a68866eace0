"""Serve roles, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.access.roles import RoleInfo
from core.people.permissions import Permission

router = APIRouter(prefix="/api/v1/roles", tags=["people"])
Granted = Annotated[list[Annotated[Permission, Field(strict=False)]], Field(max_length=len(Permission))]


class AddRole(Asked):
    name: Line
    permissions: Granted


class ChangeRole(Asked):
    permissions: Granted


class RoleOut(BaseModel):
    name: str
    permissions: list[Permission]
    built_in: bool
    people: int = Field(description="How many people have the role.")

    @staticmethod
    def of(role: RoleInfo) -> RoleOut:
        permissions = [each for each in Permission if each in role.permissions]
        return RoleOut(name=role.name, permissions=permissions, built_in=role.built_in, people=role.people)


class RolesOut(BaseModel):
    items: list[RoleOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> RolesOut:
    return RolesOut(items=[RoleOut.of(each) for each in portal.roles.all(user)])


@router.post("", status_code=201)
def add(body: AddRole, portal: PortalHere, user: SignedIn) -> RoleOut:
    role = portal.roles.add(user, body.name, body.permissions)
    return RoleOut.of(RoleInfo(name=role.name, permissions=role.permissions, built_in=False, people=0))


@router.put("/{name}")
def change(name: Annotated[Line, InPath()], body: ChangeRole, portal: PortalHere, user: SignedIn) -> RoleOut:
    """Set what a custom role grants."""
    portal.roles.change(user, name, body.permissions)
    return next(RoleOut.of(each) for each in portal.roles.all(user) if each.name == name)


@router.delete("/{name}", status_code=204)
def remove(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> None:
    portal.roles.remove(user, name)
