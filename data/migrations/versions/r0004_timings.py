"""The whole timing record of a generation. The columns may be empty: earlier rows have none, and earlier code writes none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SECONDS = ("inter_token_p50_s", "inter_token_p95_s", "prefill_s")
_COUNTS = ("steps", "prefill_tokens", "guessed_tokens", "guessed_right", "retries")


def upgrade() -> None:
    for names, kind in ((_SECONDS, sa.Float(53)), (_COUNTS, sa.Integer())):
        for name in names:
            op.add_column("generations", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in (*_COUNTS, *_SECONDS):
        op.drop_column("generations", name)
