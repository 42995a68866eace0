"""Define the tables of rollups. They have no foreign keys: numbers outlive what they count."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.inference.records import Source
from data.tables.base import Table


class UsageDayTable(Table):
    """Days that have a rollup, with the counts that tell whether it is still right."""

    __tablename__ = "usage_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    rated: Mapped[int]
    good: Mapped[int]
    computed_at: Mapped[datetime]


class UsageCellTable(Table):
    """The sums and sketches of a day, by model, platform, group, source and currency."""

    __tablename__ = "usage_cells"

    day: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(300), primary_key=True)
    platform: Mapped[str] = mapped_column(String(300), primary_key=True)
    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    source: Mapped[Source] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    rows: Mapped[int]
    answers: Mapped[int]
    errors: Mapped[int]
    stopped: Mapped[int]
    cut: Mapped[int]
    retries: Mapped[int]
    regenerated: Mapped[int]
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    rated: Mapped[int]
    rated_good: Mapped[int]
    priced: Mapped[int]
    cost: Mapped[float]
    device_s: Mapped[float]
    latency: Mapped[bytes] = mapped_column(LargeBinary)
    ttft: Mapped[bytes] = mapped_column(LargeBinary)
    queue: Mapped[bytes] = mapped_column(LargeBinary)
    speed: Mapped[bytes] = mapped_column(LargeBinary)


class UsagePersonTable(Table):
    """How many answers each person got on a day, by group and model."""

    __tablename__ = "usage_people"
    __table_args__ = (Index(None, "user_id", "day"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    monday: Mapped[date]
    """The first day of its week."""
    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    model: Mapped[str] = mapped_column(String(300), primary_key=True)
    answers: Mapped[int]


class UsageHourTable(Table):
    """What a day's rows add to each hour of a model on a platform. Long answers add to an hour of the next day too."""

    __tablename__ = "usage_hours"

    day: Mapped[date] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(300), primary_key=True)
    platform: Mapped[str] = mapped_column(String(300), primary_key=True)
    answers: Mapped[int]
    busy_s: Mapped[float | None]
    queue: Mapped[bytes] = mapped_column(LargeBinary)
