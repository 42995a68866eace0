"""Define the table of the history of the machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class MachineSpanTable(Table):
    """What each server measured in a minute or an hour. gauges: readings, mean, lowest and highest of each gauge."""

    __tablename__ = "machine_spans"
    __table_args__ = (Index(None, "step_s", "at"),)

    server: Mapped[str] = mapped_column(String(200), primary_key=True)
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    step_s: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    gauges: Mapped[dict[str, Any]]
