"""Batches of images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ground_batches",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phrases", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=True),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_ground_batches_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_ground_batches"),
    )
    op.create_index("ix_ground_batches_user_id_created_at", "ground_batches", ["user_id", "created_at"])
    op.create_table(
        "ground_items",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("boxes", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["ground_batches.id"], name="fk_ground_items_batch_id_ground_batches", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_ground_items"),
    )
    op.create_index("ix_ground_items_batch_id_position", "ground_items", ["batch_id", "position"])
    op.create_table(
        "ground_item_parts",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["ground_items.id"], name="fk_ground_item_parts_item_id_ground_items", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_ground_item_parts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ground_item_parts_item_id", "ground_item_parts", ["item_id"])


def downgrade() -> None:
    for table in ("ground_item_parts", "ground_items", "ground_batches"):
        op.drop_table(table)
