"""The history of the machines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "machine_spans",
        sa.Column("server", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gauges", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("server", "subject", "name", "step_s", "at", name="pk_machine_spans"),
    )
    op.create_index("ix_machine_spans_step_s_at", "machine_spans", ["step_s", "at"])


def downgrade() -> None:
    op.drop_table("machine_spans")
