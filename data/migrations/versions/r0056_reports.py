"""Plans of reports, the reports that they made, and mails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "report_plans",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("covered_until", MOMENT, nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_plans"),
    )
    op.create_table(
        "made_reports",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("last", sa.String(length=10), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_made_reports"),
        sa.ForeignKeyConstraint(["plan_id"], ["report_plans.id"], name="fk_made_reports_plan_id_report_plans", ondelete="CASCADE"),
    )
    op.create_index("ix_made_reports_plan_id_made_at", "made_reports", ["plan_id", "made_at"])
    op.create_table(
        "report_mails",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_report_mails"),
        sa.ForeignKeyConstraint(["report_id"], ["made_reports.id"], name="fk_report_mails_report_id_made_reports", ondelete="CASCADE"),
    )
    op.create_index("ix_report_mails_report_id", "report_mails", ["report_id"])


def downgrade() -> None:
    op.drop_table("report_mails")
    op.drop_table("made_reports")
    op.drop_table("report_plans")
