"""Calls of tools in answers, and the tools that are switched off for a conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("steps", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("tools_off", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("conversations", "tools_off")
    op.drop_column("messages", "steps")
