"""People, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line, Person, RoleWord, at_least_one, role_of
from api.services import PortalHere
from core.people.accounts import check_password, generate_password
from core.people.permissions import Permission, require

router = APIRouter(prefix="/api/v1/people", tags=["people"])


class Add(Asked):
    name: Line = Field(description="1 to 64 letters, digits or . _ @ -")
    role: RoleWord
    password: str | None = Field(default=None, max_length=1000, description="8 characters to 72 bytes; left out: one is made.")
    full_name: Line = ""
    group: Line = ""


class Change(Asked):
    role: RoleWord | None = None
    active: bool | None = Field(default=None, description="false disables the account and ends its sessions.")
    full_name: Line | None = None
    group: Line | None = None
    password: str | None = Field(default=None, max_length=1000, description="Sets a new one and ends all sessions.")


class PeopleOut(BaseModel):
    items: list[Person]


class Added(BaseModel):
    person: Person
    password: str | None = Field(description="The one that was made, if none was sent. It is shown only here.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> PeopleOut:
    return PeopleOut(items=[Person.of(each) for each in portal.accounts.people(user)])


@router.post("", status_code=201)
def add(body: Add, portal: PortalHere, user: SignedIn) -> Added:
    made = generate_password() if body.password is None else None
    added = portal.accounts.add(
        user, body.name, role_of(body.role), password=body.password or made or "", full_name=body.full_name, group=body.group
    )
    return Added(person=Person.of(added), password=made)


@router.patch("/{name}")
def change(name: Annotated[Line, InPath()], body: Change, portal: PortalHere, user: SignedIn) -> Person:
    """Change what is sent. The last active admin can be neither disabled nor demoted."""
    require(user.role, Permission.MANAGE_PEOPLE)
    at_least_one(role=body.role, active=body.active, full_name=body.full_name, group=body.group, password=body.password)
    if body.password is not None:
        check_password(body.password)
    role = role_of(body.role) if body.role else None
    changed = portal.accounts.change(user, name, role=role, active=body.active, full_name=body.full_name, group=body.group)
    if body.password is not None:
        portal.accounts.reset_password(user, name, body.password)
    return Person.of(changed)
