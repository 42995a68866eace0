"""Schedules of templates, and runs that wait before something leaves the portal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "task_schedules",
        sa.Column("id", ID, nullable=False),
        sa.Column("template_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("every", sa.String(length=16), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("covered_until", MOMENT, nullable=False),
        sa.Column("missed_at", MOMENT),
        sa.Column("last_task_id", ID),
        sa.Column("problem", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["task_templates.id"], name="fk_task_schedules_template_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_task_schedules_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_task_schedules"),
        sa.UniqueConstraint("user_id", "template_id", name="uq_task_schedules_user_id_template_id"),
    )
    op.create_index("ix_task_schedules_template_id", "task_schedules", ["template_id"])
    op.add_column("workflow_runs", sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("workflow_runs", "waits")
    op.drop_table("task_schedules")
