"""Images, and the boxes found on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ground_images",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("source_width", sa.Integer(), nullable=False),
        sa.Column("source_height", sa.Integer(), nullable=False),
        sa.Column("orientation", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_ground_images_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_ground_images"),
    )
    op.create_index("ix_ground_images_user_id_created_at", "ground_images", ["user_id", "created_at"])
    op.create_index("ix_ground_images_user_id_sha256", "ground_images", ["user_id", "sha256"])
    op.create_index("ix_ground_images_created_at", "ground_images", ["created_at"])
    op.create_index("ix_ground_images_batch_id", "ground_images", ["batch_id"])
    op.create_table(
        "ground_image_parts",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["ground_images.id"], name="fk_ground_image_parts_image_id_ground_images", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_ground_image_parts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ground_image_parts_image_id", "ground_image_parts", ["image_id"])
    op.create_table(
        "ground_runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("model_version", sa.String(length=400), nullable=False),
        sa.Column("phrases", sa.Text(), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Float(precision=53), nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["ground_images.id"], name="fk_ground_runs_image_id_ground_images", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_ground_runs_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_ground_runs"),
    )
    op.create_index("ix_ground_runs_image_id", "ground_runs", ["image_id"])
    op.create_index("ix_ground_runs_user_id_created_at", "ground_runs", ["user_id", "created_at"])
    op.create_table(
        "ground_corrections",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["ground_runs.id"], name="fk_ground_corrections_run_id_ground_runs", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_ground_corrections"),
    )
    op.create_table(
        "ground_results",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ground_results"),
    )
    op.create_index("ix_ground_results_created_at", "ground_results", ["created_at"])


def downgrade() -> None:
    for table in ("ground_results", "ground_corrections", "ground_runs", "ground_image_parts", "ground_images"):
        op.drop_table(table)
