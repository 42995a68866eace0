"""Prices of models, and budgets of groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_prices",
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("input", sa.Float(53), nullable=False),
        sa.Column("cached", sa.Float(53), nullable=True),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("output", "device_hour", "watts", "kwh")),
        sa.PrimaryKeyConstraint("model", "valid_from", name="pk_usage_prices"),
    )
    op.create_table(
        "usage_budgets",
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("month", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.Float(53), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("group_name", "month", name="pk_usage_budgets"),
    )


def downgrade() -> None:
    op.drop_table("usage_budgets")
    op.drop_table("usage_prices")
