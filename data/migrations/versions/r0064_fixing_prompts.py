"""The version of a prompt that fixed a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_cases", sa.Column("fix_prompt", sa.String(length=100), nullable=True))


def downgrade() -> None:
    op.drop_column("review_cases", "fix_prompt")
