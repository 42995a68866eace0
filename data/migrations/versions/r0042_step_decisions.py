"""What people decided about steps that change something, and the tools that ask no longer in a conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("tools_allowed", sa.Text(), nullable=True))
    op.add_column("turns", sa.Column("decided_step", sa.Text(), nullable=True))
    op.add_column("turns", sa.Column("decision", sa.String(20), nullable=True))


def downgrade() -> None:
    op.drop_column("turns", "decision")
    op.drop_column("turns", "decided_step")
    op.drop_column("conversations", "tools_allowed")
