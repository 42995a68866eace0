"""The groups whose cases a reviewer may review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("review_groups", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "review_groups")
