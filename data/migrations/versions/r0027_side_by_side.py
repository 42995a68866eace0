"""Answers side by side: several turns of a conversation at once, and which answer people prefer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STREAMING = sa.text("status = 'streaming'")


def upgrade() -> None:
    op.add_column("turns", sa.Column("lane", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.drop_index("uq_turns_streaming_conversation_id", table_name="turns")
    op.create_index(
        "uq_turns_streaming_lane", "turns", ["conversation_id", "lane"], unique=True,
        sqlite_where=_STREAMING, postgresql_where=_STREAMING,
    )  # fmt: skip
    op.create_table(
        "comparisons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("question_id", sa.String(length=64), nullable=False),
        sa.Column("lanes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vote", sa.String(length=20), nullable=True),
        sa.Column("preferred_id", sa.String(length=64), nullable=True),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_comparisons_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_comparisons"),
        sa.UniqueConstraint("question_id", name="uq_comparisons_question_id"),
    )


def downgrade() -> None:
    op.drop_table("comparisons")
    op.drop_index("uq_turns_streaming_lane", table_name="turns")
    op.create_index(
        "uq_turns_streaming_conversation_id", "turns", ["conversation_id"], unique=True,
        sqlite_where=_STREAMING, postgresql_where=_STREAMING,
    )  # fmt: skip
    op.drop_column("turns", "lane")
