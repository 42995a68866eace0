"""Alert rules with their state, what fired, what was sent, and webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=64)
WORD = sa.String(length=16)


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", ID, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", ID, nullable=False),
        sa.Column("phase", WORD, nullable=False),
        sa.Column("since", MOMENT),
        sa.Column("held_s", sa.Float(53), nullable=False),
        sa.Column("value", sa.Float(53)),
        sa.Column("no_data_since", MOMENT),
        sa.Column("checked_at", MOMENT),
        sa.Column("silence", sa.Text()),
        sa.Column("episode_id", ID),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )
    op.create_table(
        "alert_episodes",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("rule_name", sa.Text(), nullable=False),
        sa.Column("measure", sa.String(length=32), nullable=False),
        sa.Column("severity", WORD, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ending", WORD),
        sa.Column("worst", sa.Float(53)),
        sa.Column("told_at", MOMENT),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("acknowledged_by", ID),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_episodes"),
    )
    op.create_index("ix_alert_episodes_started_at", "alert_episodes", ["started_at"])
    op.create_index("ix_alert_episodes_rule_id_started_at", "alert_episodes", ["rule_id", "started_at"])
    op.create_table(
        "alert_deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("rule_name", sa.Text(), nullable=False),
        sa.Column("episode_id", ID),
        sa.Column("event", WORD, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(["episode_id"], ["alert_episodes.id"], name="fk_alert_deliveries_episode_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_deliveries"),
    )
    op.create_index("ix_alert_deliveries_episode_id", "alert_deliveries", ["episode_id"])
    op.create_index("ix_alert_deliveries_rule_id_created_at", "alert_deliveries", ["rule_id", "created_at"])
    op.create_index("ix_alert_deliveries_created_at", "alert_deliveries", ["created_at"])
    op.create_table(
        "alert_webhooks",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_webhooks"),
    )
    op.add_column("notices", sa.Column("alert_rule_id", ID))


def downgrade() -> None:
    op.drop_column("notices", "alert_rule_id")
    for table in ("alert_webhooks", "alert_deliveries", "alert_episodes", "alert_rules"):
        op.drop_table(table)
