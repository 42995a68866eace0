"""Votes of the Arena."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arena_votes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.String(length=300), nullable=False) for name in ("left_name", "left_version", "right_name", "right_version")),
        sa.Column("choice", sa.String(length=16), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=True),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_arena_votes_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_arena_votes"),
    )
    op.create_index("ix_arena_votes_voted_at", "arena_votes", ["voted_at"])
    op.create_index("ix_arena_votes_user_id", "arena_votes", ["user_id"])


def downgrade() -> None:
    op.drop_table("arena_votes")
