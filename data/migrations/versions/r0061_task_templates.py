"""Templates of tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "task_templates",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=300)),
        sa.Column("share", sa.String(length=16), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_task_templates_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_task_templates"),
    )
    op.create_index("ix_task_templates_user_id", "task_templates", ["user_id"])
    op.create_index("ix_task_templates_share", "task_templates", ["share"])
    op.add_column("workflow_tasks", sa.Column("template_id", ID))
    op.create_index("ix_workflow_tasks_template_id", "workflow_tasks", ["template_id"])


def downgrade() -> None:
    op.drop_index("ix_workflow_tasks_template_id", "workflow_tasks")
    op.drop_column("workflow_tasks", "template_id")
    op.drop_table("task_templates")
