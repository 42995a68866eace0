"""Folders of conversations, and files attached to messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "folders",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_folders_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
    )
    op.create_index("ix_folders_user_id", "folders", ["user_id"])
    op.add_column("conversations", sa.Column("folder_id", sa.String(length=64), nullable=True))
    op.create_index("ix_conversations_folder_id_updated_at", "conversations", ["folder_id", "updated_at"])

    op.create_table(
        "files",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_files_user_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_files_conversation_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
    )
    for column in ("user_id", "conversation_id", "created_at"):
        op.create_index(f"ix_files_{column}", "files", [column])
    op.create_table(
        "file_parts",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("file_id", sa.String(length=64), nullable=False),
        sa.Column("extracted", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_file_parts_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_file_parts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_file_parts_file_id", "file_parts", ["file_id"])
    op.create_table(
        "attachments",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("file_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_attachments_message_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_attachments_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", "file_id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_file_id", "attachments", ["file_id"])


def downgrade() -> None:
    for table in ("attachments", "file_parts", "files", "folders"):
        op.drop_table(table)
    op.drop_index("ix_conversations_folder_id_updated_at", "conversations")
    op.drop_column("conversations", "folder_id")
