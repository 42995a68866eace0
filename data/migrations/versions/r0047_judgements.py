"""Questions for reviewers, version by version, and their judgements of cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "review_questions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_review_questions_author_id"),
        sa.PrimaryKeyConstraint("version", name="pk_review_questions"),
    )
    op.create_table(
        "review_judgements",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("questions_version", sa.Integer(), nullable=False),
        sa.Column("guidelines_version", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["review_cases.id"], name="fk_review_judgements_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_review_judgements_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_judgements"),
        sa.UniqueConstraint("case_id", "seat", name="uq_review_judgements_case_id_seat"),
        sa.UniqueConstraint("case_id", "user_id", name="uq_review_judgements_case_id_user_id"),
    )
    op.create_index("ix_review_judgements_judged_at", "review_judgements", ["judged_at"])
    op.create_table(
        "review_answers",
        sa.Column("judgement_id", sa.String(length=64), nullable=False),
        sa.Column("question_id", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["judgement_id"], ["review_judgements.id"], name="fk_review_answers_judgement_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("judgement_id", "question_id", name="pk_review_answers"),
    )
    op.create_index("ix_review_answers_question_id", "review_answers", ["question_id"])
    op.add_column("review_cases", sa.Column("judging", sa.String(length=16), server_default="open", nullable=False))
    op.add_column("review_cases", sa.Column("second", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_review_cases_judging", "review_cases", ["judging"])


def downgrade() -> None:
    op.drop_index("ix_review_cases_judging", "review_cases")
    op.drop_column("review_cases", "second")
    op.drop_column("review_cases", "judging")
    for table in ("review_answers", "review_judgements", "review_questions"):
        op.drop_table(table)
