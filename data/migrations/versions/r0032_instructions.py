"""Instructions of people and groups, and the context that the model read for an answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instructions",
        sa.Column("id", sa.String(length=300), nullable=False),
        sa.Column("holder", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_instructions"),
    )
    op.add_column("conversations", sa.Column("uses_instructions", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("messages", sa.Column("context", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "context")
    op.drop_column("conversations", "uses_instructions")
    op.drop_table("instructions")
