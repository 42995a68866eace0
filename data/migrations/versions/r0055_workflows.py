"""Tasks, their files, and their runs with the results of steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=64)
MODEL = sa.String(length=300)
WORD = sa.String(length=16)


def upgrade() -> None:
    op.create_table(
        "workflow_tasks",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("model", MODEL),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("planned_by", MODEL, nullable=False),
        sa.Column("plan_job_id", ID),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_workflow_tasks_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_tasks"),
    )
    op.create_index("ix_workflow_tasks_user_id_updated_at", "workflow_tasks", ["user_id", "updated_at"])
    op.create_index("ix_workflow_tasks_updated_at", "workflow_tasks", ["updated_at"])
    op.create_table(
        "workflow_files",
        sa.Column("task_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["workflow_tasks.id"], name="fk_workflow_files_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_workflow_files_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "position", name="pk_workflow_files"),
    )
    op.create_index("ix_workflow_files_file_id", "workflow_files", ["file_id"])
    op.create_table(
        "workflow_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("model", MODEL),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(["task_id"], ["workflow_tasks.id"], name="fk_workflow_runs_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_workflow_runs_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_runs"),
    )
    op.create_index("ix_workflow_runs_task_id_created_at", "workflow_runs", ["task_id", "created_at"])
    op.create_table(
        "workflow_results",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("step_id", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_of", ID, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("model", MODEL, nullable=False),
        sa.Column("carried", sa.Boolean(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["workflow_runs.id"], name="fk_workflow_results_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_results"),
    )
    op.create_index("ix_workflow_results_run_id", "workflow_results", ["run_id"])
    op.add_column("notices", sa.Column("task_id", ID))


def downgrade() -> None:
    op.drop_column("notices", "task_id")
    for table in ("workflow_results", "workflow_runs", "workflow_files", "workflow_tasks"):
        op.drop_table(table)
