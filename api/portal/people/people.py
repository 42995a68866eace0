"""Serve accounts, for admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line, Person, at_least_one
from api.services import PortalHere
from core.passwords.rules import check_password, generate_password
from core.people.names import NameWarning, name_warnings
from core.people.permissions import Permission, Verdict, require, reviewed_groups, verdict
from core.people.records import User

router = APIRouter(prefix="/api/v1/people", tags=["people"])


class Add(Asked):
    name: Line = Field(description="1 to 64 letters, digits or . _ @ -")
    role: Line = Field(description="analyst, reviewer, manager, admin, or the name of a custom role.")
    password: str | None = Field(default=None, max_length=1000, description=(
        "8 to 128 characters, and none that attackers try first. Default: one is generated."
    ))
    full_name: Line = ""
    group: Line = ""


class Change(Asked):
    role: Line | None = None
    active: bool | None = Field(default=None, description="false disables the account and ends its sessions.")
    full_name: Line | None = None
    group: Line | None = None
    password: str | None = Field(default=None, max_length=1000, description="Sets a new password and ends all sessions.")
    review_groups: Literal["all"] | Annotated[list[Line], Field(max_length=200)] | None = Field(
        default=None, description="The groups whose cases the person may review, or all."
    )


class ListedPerson(Person):
    name_doubts: list[Literal["role", "another", "scripts"]] = Field(
        description="Why the full name is suspicious: it suggests a role, resembles someone else's name, or mixes scripts."
    )
    review_groups: Literal["all"] | list[str] = Field(description="The groups whose cases the person may review, if the role allows it.")


class PeopleOut(BaseModel):
    items: list[ListedPerson]


class Added(BaseModel):
    person: ListedPerson
    password: str | None = Field(description="The generated password, if none was sent. Shown only here.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> PeopleOut:
    people = portal.accounts.people(user)
    found = name_warnings(people)
    return PeopleOut(items=[_listed(each, found) for each in people])


@router.post("", status_code=201)
def add(body: Add, portal: PortalHere, user: SignedIn) -> Added:
    made = generate_password() if body.password is None else None
    added = portal.accounts.add(
        user, body.name, body.role, password=body.password or made or "", full_name=body.full_name, group=body.group
    )
    return Added(person=_listed(added, name_warnings(portal.accounts.people(user))), password=made)


@router.patch("/{name}")
def change(name: Annotated[Line, InPath()], body: Change, portal: PortalHere, user: SignedIn) -> ListedPerson:
    """Change the fields that are sent. The last active admin can be neither disabled nor demoted."""
    require(user, Permission.MANAGE_PEOPLE)
    at_least_one(
        role=body.role, active=body.active, full_name=body.full_name, group=body.group, password=body.password,
        review_groups=body.review_groups,
    )  # fmt: skip
    if body.password is not None:
        check_password(body.password, name)
    changed = portal.accounts.change(user, name, role=body.role, active=body.active, full_name=body.full_name, group=body.group)
    if body.review_groups is not None:
        changed = portal.accounts.set_review_groups(user, name, None if body.review_groups == "all" else body.review_groups)
    if body.password is not None:
        portal.accounts.reset_password(user, name, body.password)
    return _listed(changed, name_warnings(portal.accounts.people(user)))


@router.delete("/{name}/second-factor", status_code=204)
def remove_second_factor(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> None:
    """Remove a person's second factor, for example after a lost phone, and end that person's sessions."""
    portal.second_factors.remove(user, name)


def _listed(person: User, found: Mapping[str, frozenset[NameWarning]]) -> ListedPerson:
    warnings = found.get(person.id, frozenset())
    groups = reviewed_groups(person)
    return ListedPerson(
        **Person.of(person).model_dump(), name_doubts=[each.value for each in NameWarning if each in warnings],
        review_groups="all" if groups is None else sorted(groups),
    )  # fmt: skip


class Right(BaseModel):
    permission: Permission
    allowed: bool
    why: Verdict = Field(description="granted, role_lacks or group_withholds")


class RightsOut(BaseModel):
    role: str
    group: str
    items: list[Right]


@router.get("/{name}/rights")
def rights(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> RightsOut:
    """Return what a person may do, and why."""
    person = portal.accounts.person(user, name)
    found = [(each, verdict(person, each)) for each in Permission]
    items = [Right(permission=each, allowed=why is Verdict.GRANTED, why=why) for each, why in found]
    return RightsOut(role=str(person.role), group=person.group, items=items)
