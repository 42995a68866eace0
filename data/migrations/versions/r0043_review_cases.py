"""Review cases with tags, history and saved views. Each rating gets a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "review_cases",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("feedback_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("assignee_id", sa.String(length=64), nullable=True),
        sa.Column("question_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("locked_by", sa.String(length=64), nullable=True),
        sa.Column("locked_at", MOMENT, nullable=True),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("replied_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_review_cases_feedback_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name="fk_review_cases_assignee_id"),
        sa.ForeignKeyConstraint(["locked_by"], ["users.id"], name="fk_review_cases_locked_by"),
        sa.PrimaryKeyConstraint("id", name="pk_review_cases"),
        sa.UniqueConstraint("number", name="uq_review_cases_number"),
        sa.UniqueConstraint("feedback_id", name="uq_review_cases_feedback_id"),
    )
    op.create_index("ix_review_cases_priority_number", "review_cases", ["priority", "number"])
    op.create_index("ix_review_cases_state_complaint", "review_cases", ["state", "complaint"])
    op.create_index("ix_review_cases_assignee_id_state", "review_cases", ["assignee_id", "state"])
    op.create_index("ix_review_cases_question_key", "review_cases", ["question_key"])
    op.create_table(
        "review_tags",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["review_cases.id"], name="fk_review_tags_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "tag", name="pk_review_tags"),
    )
    op.create_index("ix_review_tags_tag", "review_tags", ["tag"])
    op.create_table(
        "review_events",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("became", sa.String(length=16), nullable=True),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["review_cases.id"], name="fk_review_events_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_review_events_actor_id"),
        sa.PrimaryKeyConstraint("number", name="pk_review_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_events_case_id_number", "review_events", ["case_id", "number"])
    op.create_index("ix_review_events_actor_id_at", "review_events", ["actor_id", "at"])
    op.create_table(
        "review_views",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_review_views_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_views"),
    )
    op.create_index("ix_review_views_user_id", "review_views", ["user_id"])
    # Comments may be encrypted here: the hourly job finds out which good ratings have one, and which questions are alike.
    op.execute(
        "INSERT INTO review_cases "
        "(id, number, feedback_id, state, priority, complaint, assignee_id, version, opened_at, updated_at, closed_at, fix, reply) "
        "SELECT id, row_number() OVER (ORDER BY created_at, id), id, "
        "CASE state WHEN 'resolved' THEN 'closed' ELSE state END, "
        "CASE WHEN rating < 0 THEN 1 ELSE 0 END, rating < 0, "
        "CASE state WHEN 'in_review' THEN reviewer_id END, 1, created_at, updated_at, "
        "CASE state WHEN 'resolved' THEN updated_at END, '', '' FROM feedback"
    )
    op.execute(
        "INSERT INTO review_events (case_id, at, kind, before, after) "
        "SELECT id, opened_at, 'opened', '', '' FROM review_cases ORDER BY number"
    )


def downgrade() -> None:
    for table in ("review_views", "review_events", "review_tags", "review_cases"):
        op.drop_table(table)
