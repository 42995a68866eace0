"""Answers of the result cache, and which generation rows came from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "results",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("model_version", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_results_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name="pk_results"),
    )
    for column in ("user_id", "group_name", "conversation_id", "created_at", "used_at"):
        op.create_index(f"ix_results_{column}", "results", [column])
    op.add_column("generations", sa.Column("cached_at", MOMENT, nullable=True))


def downgrade() -> None:
    op.drop_column("generations", "cached_at")
    for column in ("used_at", "created_at", "conversation_id", "group_name", "user_id"):
        op.drop_index(f"ix_results_{column}", table_name="results")
    op.drop_table("results")
