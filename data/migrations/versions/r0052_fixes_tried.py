"""Which model or preset has the fix of a case, where its rater asked again, and what the rater says of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_cases", sa.Column("fix_model", sa.String(length=300), nullable=False, server_default=""))
    op.add_column("review_cases", sa.Column("again_id", sa.String(length=64), nullable=True))
    op.add_column("review_cases", sa.Column("satisfied", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for column in ("satisfied", "again_id", "fix_model"):
        op.drop_column("review_cases", column)
