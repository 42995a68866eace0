"""Vectors of passages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "passage_vectors",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=300), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_passage_vectors_document_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_passage_vectors"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passage_vectors_document_id_version", "passage_vectors", ["document_id", "version"])


def downgrade() -> None:
    op.drop_table("passage_vectors")
