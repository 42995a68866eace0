"""Define people, their sessions and the audit's events. All times are timezone-aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    """What the person types to sign in; lower case, unique."""
    full_name: str
    role: Role
    group: str
    active: bool
    created_at: datetime
    language: str | None = None
    """"en", "zh", or None: what the browser asks for."""
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the sign-in check needs; never leaves core and data."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tries of a password by one name, address, device or person."""

    count: int
    began_at: datetime
    """The first one of the window."""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that somebody signed in with."""

    token_hash: str
    """SHA-256, hex, of the random token in its cookie."""
    user_id: str
    created_at: datetime
    used_at: datetime


class SessionKind(StrEnum):
    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True, slots=True)
class Session:
    token_hash: str
    """SHA-256, hex, of the random token; the token itself is stored nowhere."""
    user_id: str
    kind: SessionKind
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what; written in the transaction that did it."""

    at: datetime
    actor_id: str | None
    """None: the portal itself, or the command line."""
    action: str
    """A noun and a verb, e.g. "user.disable"."""
    subject: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A stored event. id: its number, 16 digits."""

    id: str
    event: AuditEvent
    actor_name: str | None = None


THE_PORTAL = ""
"""In place of a person's id: what the portal itself and the command line did."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """All given conditions hold together. since is included, until is not."""

    action: str | None = None
    actor_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    """Only these: what the search index found."""


class Role(StrEnum):
    ANALYST = "analyst"
    MANAGER = "manager"
    ADMIN = "admin"
