"""Limits of people, groups and keys, their counters, and leases of running answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "limit_rules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at_limit", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_limit_rules"),
        sa.UniqueConstraint("holder", "subject", "measure", "period", name="uq_limit_rules_holder_subject_measure_period"),
    )
    op.create_table(
        "limit_counters",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limit_counters"),
    )
    op.create_table(
        "limit_leases",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", "key", name="pk_limit_leases"),
    )
    op.create_index("ix_limit_leases_key", "limit_leases", ["key"])
    op.create_index("ix_limit_leases_until", "limit_leases", ["until"])


def downgrade() -> None:
    op.drop_table("limit_leases")
    op.drop_table("limit_counters")
    op.drop_table("limit_rules")
