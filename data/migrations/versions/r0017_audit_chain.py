"""Chain the audit events by hashes. Existing events are chained in the order of their numbers."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("previous", sa.String(length=64), nullable=True))
    op.add_column("audit_events", sa.Column("hash", sa.String(length=64), nullable=True))
    events = sa.table(
        "audit_events",
        *(sa.column(name) for name in ("number", "actor_id", "action", "subject", "previous", "hash")),
        sa.column("at", sa.DateTime(timezone=True)),
        sa.column("details", sa.JSON()),
    )
    connection, last, previous = op.get_bind(), -1, "0" * 64
    change = sa.update(events).where(events.c.number == sa.bindparam("n")).values(previous=sa.bindparam("p"), hash=sa.bindparam("h"))
    while rows := connection.execute(sa.select(events).where(events.c.number > last).order_by(events.c.number).limit(AT_ONCE)).all():
        changes = []
        for row in rows:
            digest = _digest(previous, row.at, row.actor_id, row.action, row.subject, row.details)
            changes.append({"n": row.number, "p": previous, "h": digest})
            last, previous = row.number, digest
        connection.execute(change, changes)


def downgrade() -> None:
    op.drop_column("audit_events", "hash")
    op.drop_column("audit_events", "previous")


def _digest(previous: str, at: datetime, actor_id: str | None, action: str, subject: str, details: dict[str, object]) -> str:
    """Compute the hash as core/access/audit_digest.py does; copied, because a revision never changes."""
    moment = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    content = [previous, moment, actor_id, action, subject, dict(details)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
