"""The guidelines for reviewers, version by version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review_guidelines",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_review_guidelines_author_id"),
        sa.PrimaryKeyConstraint("version", name="pk_review_guidelines"),
    )


def downgrade() -> None:
    op.drop_table("review_guidelines")
