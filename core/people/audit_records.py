"""Define audit events, and what filters them. All times are timezone-aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what; written in the same transaction as the change."""

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


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event as stored, with the hashes that chain it."""

    id: str
    event: AuditEvent
    previous: str | None
    """The hash of the event before; None: never chained."""
    hash: str | None


THE_PORTAL = ""
"""Stands in for a person's id in events of the portal itself and the command line."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filters events; all given conditions apply. since is inclusive, until exclusive."""

    action: str | None = None
    actor_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    """Only these ids, as found by the search index."""
