"""Memories, and who switched them on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "memories",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memories_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_memories_conversation_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_memories"),
    )
    op.create_index("ix_memories_user_id_state", "memories", ["user_id", "state"])
    op.create_index("ix_memories_conversation_id", "memories", ["conversation_id"])
    op.create_table(
        "memory_switches",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memory_switches_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_memory_switches"),
    )
    op.add_column("conversations", sa.Column("uses_memory", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("conversations", "uses_memory")
    op.drop_table("memory_switches")
    op.drop_index("ix_memories_conversation_id", table_name="memories")
    op.drop_index("ix_memories_user_id_state", table_name="memories")
    op.drop_table("memories")
