"""What raters answer in a form after the thumb, and the versions of that form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

ADDED = ("form_version", "reasons", "score", "passage", "better_answer")


def upgrade() -> None:
    op.create_table(
        "rating_forms",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name="fk_rating_forms_saved_by"),
        sa.PrimaryKeyConstraint("version", name="pk_rating_forms"),
    )
    op.add_column("feedback", sa.Column("form_version", sa.Integer(), nullable=True))
    op.add_column("feedback", sa.Column("reasons", sa.Text(), nullable=True))
    op.add_column("feedback", sa.Column("score", sa.Integer(), nullable=True))
    op.add_column("feedback", sa.Column("passage", sa.Text(), nullable=True))
    op.add_column("feedback", sa.Column("better_answer", sa.Text(), nullable=True))


def downgrade() -> None:
    for column in reversed(ADDED):
        op.drop_column("feedback", column)
    op.drop_table("rating_forms")
