"""Usage by day and hour, and what a generation row needs for its cost. The new columns may be empty: earlier code writes none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
_DAY = sa.String(length=10)
_COUNTS = ("rows", "answers", "errors", "stopped", "cut", "retries", "regenerated")
_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens")


def upgrade() -> None:
    op.add_column("generations", sa.Column("device_s", sa.Float(53), nullable=True))
    op.add_column("generations", sa.Column("currency", sa.String(length=3), nullable=True))
    op.create_table(
        "usage_days",
        sa.Column("day", _DAY, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("computed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_usage_days"),
    )
    op.create_table(
        "usage_cells",
        sa.Column("day", _DAY, nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("platform", sa.String(length=300), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _TOKENS),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("rated", "rated_good", "priced")),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("cost", "device_s")),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("latency", "ttft", "queue", "speed")),
        sa.PrimaryKeyConstraint("day", "model", "platform", "group_name", "source", "currency", name="pk_usage_cells"),
    )
    op.create_table(
        "usage_people",
        sa.Column("day", _DAY, nullable=False),
        sa.Column("monday", _DAY, nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "user_id", "group_name", "model", name="pk_usage_people"),
    )
    op.create_index("ix_usage_people_user_id_day", "usage_people", ["user_id", "day"])
    op.create_table(
        "usage_hours",
        sa.Column("day", _DAY, nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("platform", sa.String(length=300), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("busy_s", sa.Float(53), nullable=True),
        sa.Column("queue", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "hour", "model", "platform", name="pk_usage_hours"),
    )


def downgrade() -> None:
    for table in ("usage_hours", "usage_people", "usage_cells", "usage_days"):
        op.drop_table(table)
    op.drop_column("generations", "currency")
    op.drop_column("generations", "device_s")
