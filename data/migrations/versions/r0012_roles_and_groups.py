"""Custom roles, and groups as records. The group names of people become rows."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    groups = op.create_table(
        "groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("name", name="uq_groups_name"),
    )
    op.create_table(
        "group_managers",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_group_managers_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_group_managers_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_group_managers"),
    )
    op.create_index("ix_group_managers_user_id", "group_managers", ["user_id"])
    op.add_column("users", sa.Column("role_name", sa.String(length=64), nullable=True))
    users = sa.table("users", sa.column("group_name", sa.String()))
    named = op.get_bind().execute(sa.select(users.c.group_name).where(users.c.group_name != "").distinct()).scalars().all()
    now = datetime.now(UTC)
    op.bulk_insert(groups, [{"id": uuid4().hex, "name": name, "created_at": now, "settings": {}} for name in named])


def downgrade() -> None:
    op.drop_column("users", "role_name")
    op.drop_table("group_managers")
    op.drop_table("groups")
    op.drop_table("roles")
