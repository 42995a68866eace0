"""Define the tables of accounts, roles, groups, sessions, proofs, API keys, password attempts, devices and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.people.records import ProofPurpose, Role, SessionKind
from data.columns import Prose
from data.tables.base import NUMBER, Table


class UserTable(Table):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    group_name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    created_at: Mapped[datetime]
    language: Mapped[str | None] = mapped_column(String(16))
    last_seen_at: Mapped[datetime | None]
    password_hash: Mapped[str] = mapped_column(String(200))
    role_name: Mapped[str | None] = mapped_column(String(64))
    """The role; NULL if the previous release knows it. For other roles, `role` is analyst."""
    review_groups: Mapped[str | None] = mapped_column(Prose)
    """A JSON list of the groups whose cases the person may review; NULL: all."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """Only the previous release uses this column and the next one; AttemptTable replaces them."""
    locked_until: Mapped[datetime | None]


class RoleTable(Table):
    """Roles that admins made from permissions."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    permissions: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class GroupTable(Table):
    """Groups. Their members are the people whose group_name is the group's name."""

    __tablename__ = "groups"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    settings: Mapped[dict[str, Any]]


class GroupManagerTable(Table):
    __tablename__ = "group_managers"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class SessionTable(Table):
    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[SessionKind]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(200))
    outside_session: Mapped[str | None] = mapped_column(String(200), index=True)


class ProofTable(Table):
    """Proofs of identity that wait to be used once: tickets of browsers, and handles of user servers."""

    __tablename__ = "proofs"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[ProofPurpose]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    mark: Mapped[str] = mapped_column(String(64))
    second_factor: Mapped[bool]
    outside_session: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used: Mapped[bool]


class ApiKeyTable(Table):
    """API keys. A revoked key stays: generation rows refer to it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(32), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(200))
    """The names of the scopes, separated by spaces."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AttemptTable(Table):
    """Password attempts, by a hash of the name, address, device or person that they are counted by."""

    __tablename__ = "attempts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    began_at: Mapped[datetime] = mapped_column(index=True)


class DeviceTable(Table):
    __tablename__ = "devices"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class AuditEventTable(Table):
    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Prose)
    details: Mapped[dict[str, Any]]
    previous: Mapped[str | None] = mapped_column(String(64))
    """The hash of the event before. The previous release writes none; the next event chains such rows."""
    hash: Mapped[str | None] = mapped_column(String(64))
