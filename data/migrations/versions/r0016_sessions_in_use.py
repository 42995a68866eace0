"""When each session was used, and where it was opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("address", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("agent", sa.String(length=200), nullable=True))


def downgrade() -> None:
    for name in ("agent", "address", "used_at"):
        op.drop_column("sessions", name)
