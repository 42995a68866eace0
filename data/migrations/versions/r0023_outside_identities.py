"""Outside identities, and the outside session of each session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_identities",
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_outside_identities_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "subject", name="pk_outside_identities"),
    )
    op.create_index("ix_outside_identities_user_id", "outside_identities", ["user_id"])
    op.add_column("sessions", sa.Column("outside_session", sa.String(length=200), nullable=True))
    op.create_index("ix_sessions_outside_session", "sessions", ["outside_session"])


def downgrade() -> None:
    op.drop_index("ix_sessions_outside_session", table_name="sessions")
    op.drop_column("sessions", "outside_session")
    op.drop_table("outside_identities")
