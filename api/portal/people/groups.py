"""Serve groups, for admins and the groups' managers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line, at_least_one
from api.services import PortalHere
from core.access.groups import GroupInfo
from core.chat.context.records import MAX_INSTRUCTIONS_LENGTH
from core.people.permissions import Permission

router = APIRouter(prefix="/api/v1/groups", tags=["people"])
MAX_MANAGERS = 100
Name = Annotated[Line, InPath()]


class AddGroup(Asked):
    name: Line


class ChangeGroup(Asked):
    name: Line | None = None
    managers: list[Line] | None = Field(default=None, max_length=MAX_MANAGERS, description="User names; replaces the present managers.")
    withheld: Annotated[list[Annotated[Permission, Field(strict=False)]], Field(max_length=len(Permission))] | None = Field(
        default=None, description="Features that members may not use: upload, export, detect, memory."
    )
    shares_results: bool | None = Field(
        default=None, description="Whether members get cached answers of one another (PORTAL_RESULT_CACHE_MB)."
    )
    improves_models: bool | None = Field(
        default=None, description="Whether chats of members may get into datasets, unless a member refuses."
    )


class GroupInstructions(Asked):
    text: str = Field(
        max_length=4 * MAX_INSTRUCTIONS_LENGTH, description=f"At most {MAX_INSTRUCTIONS_LENGTH:,} characters; empty removes them."
    )


class GroupOut(BaseModel):
    id: str
    name: str
    created_at: datetime
    managers: list[str] = Field(description="User names.")
    members: list[str] = Field(description="User names.")
    withheld: list[Permission]
    shares_results: bool
    improves_models: bool

    @staticmethod
    def of(info: GroupInfo) -> GroupOut:
        group = info.group
        return GroupOut(
            id=group.id, name=group.name, created_at=group.created_at, managers=list(group.managers),
            members=[each.name for each in info.members], withheld=sorted(group.withheld),
            shares_results=group.shares_results, improves_models=group.improves_models,
        )  # fmt: skip


class GroupsOut(BaseModel):
    items: list[GroupOut]


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> GroupsOut:
    """List all groups; people who do not manage people see the groups that they manage."""
    return GroupsOut(items=[GroupOut.of(each) for each in portal.groups.all(user)])


@router.post("", status_code=201)
def add(body: AddGroup, portal: PortalHere, user: SignedIn) -> GroupOut:
    return GroupOut.of(GroupInfo(portal.groups.add(user, body.name), ()))


@router.get("/{group_id}")
def get(group_id: Id, portal: PortalHere, user: SignedIn) -> GroupOut:
    return GroupOut.of(portal.groups.get(user, group_id))


@router.patch("/{group_id}")
def change(group_id: Id, body: ChangeGroup, portal: PortalHere, user: SignedIn) -> GroupOut:
    at_least_one(**body.model_dump())
    portal.groups.change(
        user, group_id, name=body.name, managers=body.managers, withheld=body.withheld, shares_results=body.shares_results,
        improves_models=body.improves_models,
    )  # fmt: skip
    return GroupOut.of(portal.groups.get(user, group_id))


@router.get("/{group_id}/instructions")
def instructions(group_id: Id, portal: PortalHere, user: SignedIn) -> GroupInstructions:
    """Return the instructions that apply to the chats of all members."""
    return GroupInstructions(text=portal.instructions.of_group(user, group_id))


@router.put("/{group_id}/instructions")
def set_instructions(group_id: Id, body: GroupInstructions, portal: PortalHere, user: SignedIn) -> GroupInstructions:
    return GroupInstructions(text=portal.instructions.set_for_group(user, group_id, body.text))


@router.delete("/{group_id}", status_code=204)
def remove(group_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Remove a group that has no members."""
    portal.groups.remove(user, group_id)


@router.put("/{group_id}/members/{name}", status_code=204)
def put_member(group_id: Id, name: Name, portal: PortalHere, user: SignedIn) -> None:
    """Move a person into the group. Its managers can add only people who are in no group."""
    portal.groups.put_member(user, group_id, name)


@router.delete("/{group_id}/members/{name}", status_code=204)
def remove_member(group_id: Id, name: Name, portal: PortalHere, user: SignedIn) -> None:
    portal.groups.remove_member(user, group_id, name)
