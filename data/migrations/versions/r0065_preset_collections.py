"""The collections of documents that a preset reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("presets", sa.Column("collections", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("presets", "collections")
