"""Results of evaluations on the labelled set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

COUNTS = ("shapes_right", "shapes_wrong", "shapes_missed", "texts_right", "texts_wrong", "texts_missed", "images")


def upgrade() -> None:
    op.create_table(
        "ground_evaluations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("model_version", sa.String(length=400), nullable=False),
        sa.Column("set_version", sa.String(length=40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ground_evaluations"),
    )
    op.create_index("ix_ground_evaluations_model_created_at", "ground_evaluations", ["model", "created_at"])
    op.create_index("ix_ground_evaluations_created_at", "ground_evaluations", ["created_at"])


def downgrade() -> None:
    op.drop_table("ground_evaluations")
