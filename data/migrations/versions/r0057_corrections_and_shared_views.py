"""Answers as reviewers corrected them, and views that all reviewers see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_cases", sa.Column("correction", sa.Text(), nullable=True))
    op.add_column("review_views", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("review_views", "shared")
    op.drop_column("review_cases", "correction")
