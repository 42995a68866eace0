"""Comparisons of model files, and the votes on their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_comparisons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("server", sa.String(length=200), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_comparisons"),
    )
    op.create_index("ix_model_comparisons_created_at", "model_comparisons", ["created_at"])
    op.create_table(
        "comparison_votes",
        sa.Column("comparison_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["model_comparisons.id"], name="fk_comparison_votes_comparison_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_comparison_votes_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("comparison_id", "user_id", "number", name="pk_comparison_votes"),
    )
    op.create_index("ix_comparison_votes_user_id", "comparison_votes", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_comparison_votes_user_id", table_name="comparison_votes")
    op.drop_table("comparison_votes")
    op.drop_index("ix_model_comparisons_created_at", table_name="model_comparisons")
    op.drop_table("model_comparisons")
