"""Serve API keys: people manage their own, admins see and revoke all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Id, Line
from api.services import PortalHere
from core.people.api_keys import KeyTerms
from core.people.records import ApiKey, Scope

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])

ScopeWord = Literal["chat", "models", "feedback", "usage", "admin"]


class NewKey(Asked):
    name: Line = Field(description="What uses the key.")
    scopes: list[ScopeWord] = Field(min_length=1, max_length=5, description="What the key may be used for.")
    expires_in_days: int | None = Field(default=90, description="1 to 3650; null: valid until it is revoked.")
    requests_per_minute: int | None = Field(default=None, description="null: only the limits of its person apply.")
    tokens_per_minute: int | None = Field(default=None, description="null: only the limits of its person apply.")


class Renamed(Asked):
    name: Line


class KeyOut(BaseModel):
    id: str
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[ScopeWord]
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None
    requests_per_minute: int | None
    tokens_per_minute: int | None

    @staticmethod
    def fields(key: ApiKey) -> dict[str, object]:
        return {
            "id": key.id, "name": key.name, "prefix": key.prefix, "scopes": [each.value for each in Scope if each in key.scopes],
            "state": key.state(datetime.now(UTC)).value, "created_at": key.created_at, "expires_at": key.expires_at,
            "last_used_at": key.last_used_at, "revoked_at": key.revoked_at, "requests_per_minute": key.requests_per_minute,
            "tokens_per_minute": key.tokens_per_minute,
        }  # fmt: skip

    @staticmethod
    def of(key: ApiKey) -> KeyOut:
        return KeyOut.model_validate(KeyOut.fields(key))


class OwnedKeyOut(KeyOut):
    owner: str = Field(description="The sign-in name of the key's person.")


class KeysOut(BaseModel):
    items: list[KeyOut] = Field(description="Newest first.")


class AllKeysOut(BaseModel):
    items: list[OwnedKeyOut] = Field(description="Newest first, at most 500.")


class MadeKeyOut(BaseModel):
    key: KeyOut
    token: str = Field(description="The API key itself. It is shown only here.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> KeysOut:
    """List your keys, including expired and revoked ones."""
    return KeysOut(items=[KeyOut.of(each) for each in portal.api_keys.own(user)])


@router.get("/all")
def everybodys(
    portal: PortalHere,
    user: SignedIn,
    q: Annotated[Line, Query(description="A whole key, how it begins, or a part of its name or its person's.")] = "",
) -> AllKeysOut:
    """List the keys of all people, for admins."""
    found = portal.api_keys.find(user, q)
    return AllKeysOut(items=[OwnedKeyOut.model_validate({**KeyOut.fields(each.key), "owner": each.owner_name}) for each in found])


@router.post("", status_code=201)
def make(body: NewKey, portal: PortalHere, user: SignedIn) -> MadeKeyOut:
    """Create a key. An API key cannot create keys: sign in instead."""
    terms = KeyTerms(
        name=body.name,
        scopes=frozenset(map(Scope, body.scopes)),
        days=body.expires_in_days,
        requests_per_minute=body.requests_per_minute,
        tokens_per_minute=body.tokens_per_minute,
    )
    made = portal.api_keys.make(user, terms)
    return MadeKeyOut(key=KeyOut.of(made.key), token=made.token)


@router.patch("/{key_id}")
def rename(key_id: Id, body: Renamed, portal: PortalHere, user: SignedIn) -> KeyOut:
    return KeyOut.of(portal.api_keys.rename(user, key_id, body.name))


@router.delete("/{key_id}", status_code=204)
def revoke(key_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Revoke one of your keys, or any key as an admin. It ends at once, together with its running streams."""
    portal.api_keys.revoke(user, key_id)
