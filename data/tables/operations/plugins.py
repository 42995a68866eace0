"""Define the table of plugins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class PluginTable(Table):
    """Admins' decisions about plugins, and the last failure of each. `given` names the groups."""

    __tablename__ = "plugins"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    given: Mapped[dict[str, Any]]
    """JSON with the keys everyone, groups, adds."""
    error: Mapped[str] = mapped_column(SealedProse("plugins.error"))
    """May contain text that people wrote."""
    failed_at: Mapped[datetime | None]
