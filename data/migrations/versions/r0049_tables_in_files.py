"""The tables in attached files that can be queried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("files", sa.Column("tables", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("files", "tables")
