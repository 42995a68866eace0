"""The encoding that each text file is read in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("files", sa.Column("encoding", sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column("files", "encoding")
