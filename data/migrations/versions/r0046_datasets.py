"""Datasets for training with their versions and files, and who agreed to be in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "training_choices",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_training_choices_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_training_choices"),
    )
    op.create_table(
        "datasets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_datasets_created_by"),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
    )
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("dataset_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("built_at", MOMENT, nullable=False),
        sa.Column("built_by", sa.String(length=64), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_dataset_versions_dataset_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["built_by"], ["users.id"], name="fk_dataset_versions_built_by"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_versions"),
        sa.UniqueConstraint("dataset_id", "number", name="uq_dataset_versions_dataset_id_number"),
    )
    op.create_index("ix_dataset_versions_built_at", "dataset_versions", ["built_at"])
    op.create_table(
        "dataset_sources",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("rating_id", sa.String(length=64), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name="fk_dataset_sources_version_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_dataset_sources"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_sources_version_id", "dataset_sources", ["version_id"])
    op.create_index("ix_dataset_sources_conversation_id", "dataset_sources", ["conversation_id"])
    op.create_table(
        "dataset_files",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name="fk_dataset_files_version_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_files"),
        sa.UniqueConstraint("version_id", "name", name="uq_dataset_files_version_id_name"),
    )
    op.create_table(
        "dataset_file_parts",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("file_id", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["dataset_files.id"], name="fk_dataset_file_parts_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_dataset_file_parts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_file_parts_file_id", "dataset_file_parts", ["file_id"])
    op.create_index("ix_comparisons_preferred_id", "comparisons", ["preferred_id"])


def downgrade() -> None:
    op.drop_index("ix_comparisons_preferred_id", "comparisons")
    for table in ("dataset_file_parts", "dataset_files", "dataset_sources", "dataset_versions", "datasets", "training_choices"):
        op.drop_table(table)
