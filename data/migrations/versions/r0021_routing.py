"""The reason for the routing of each answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("routing", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("generations", "routing")
