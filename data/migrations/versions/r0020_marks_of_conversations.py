"""Pinned, archived and unread conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("conversations", sa.Column("pinned_at", MOMENT, nullable=True))
    op.add_column("conversations", sa.Column("archived_at", MOMENT, nullable=True))
    op.add_column("conversations", sa.Column("unread", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("conversations", "unread")
    op.drop_column("conversations", "archived_at")
    op.drop_column("conversations", "pinned_at")
