"""Compute the hash that chains an audit event to the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from core.people.audit_records import AuditEvent

GENESIS = "0" * 64
"""The value that the first event has in place of the previous event's hash."""


def digest(previous: str, event: AuditEvent) -> str:
    """Return the SHA-256 of an event and of the hash of the one before, in hex.

    This form never changes: a change would break every chain.
    """
    return digest_of(previous, event.at, event.actor_id, event.action, event.subject, event.details)


def digest_of(previous: str, at: datetime, actor_id: str | None, action: str, subject: str, details: Mapping[str, object]) -> str:
    moment = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    content = [previous, moment, actor_id, action, subject, dict(details)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
