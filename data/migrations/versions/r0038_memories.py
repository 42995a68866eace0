"""Memories, and who turned them on. Custom roles that may chat may use them, as built-in roles do."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROLES = sa.table("roles", sa.column("name", sa.String()), sa.column("permissions", sa.JSON()))


def upgrade() -> None:
    op.create_table(
        "memories",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memories_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_memories_conversation_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_memories"),
    )
    op.create_index("ix_memories_user_id_state", "memories", ["user_id", "state"])
    op.create_index("ix_memories_conversation_id", "memories", ["conversation_id"])
    op.create_table(
        "memory_switches",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memory_switches_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_memory_switches"),
    )
    op.add_column("conversations", sa.Column("uses_memory", sa.Boolean(), nullable=False, server_default=sa.true()))
    for name, held in _permissions():
        if "chat" in held and "memory" not in held:
            _write(name, [*held, "memory"])


def downgrade() -> None:
    for name, held in _permissions():
        if "memory" in held:
            _write(name, [each for each in held if each != "memory"])
    op.drop_column("conversations", "uses_memory")
    op.drop_table("memory_switches")
    op.drop_index("ix_memories_conversation_id", table_name="memories")
    op.drop_index("ix_memories_user_id_state", table_name="memories")
    op.drop_table("memories")


def _permissions() -> list[tuple[str, list[Any]]]:
    rows = op.get_bind().execute(sa.select(ROLES.c.name, ROLES.c.permissions)).all()
    return [(row.name, held) for row in rows if isinstance(held := (row.permissions or {}).get("permissions"), list)]


def _write(name: str, permissions: list[Any]) -> None:
    op.get_bind().execute(sa.update(ROLES).where(ROLES.c.name == name).values(permissions={"permissions": permissions}))
