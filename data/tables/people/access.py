"""Define the tables of limits: rules, counters, and leases of running answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class LimitRuleTable(Table):
    __tablename__ = "limit_rules"
    __table_args__ = (UniqueConstraint("holder", "subject", "measure", "period"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(200))
    measure: Mapped[str] = mapped_column(String(16))
    period: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int] = mapped_column(BigInteger)
    at_limit: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(200))


class LimitCounterTable(Table):
    __tablename__ = "limit_counters"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    began_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)


class LimitLeaseTable(Table):
    """Running answers, one row for each limit that counts them."""

    __tablename__ = "limit_leases"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(300), primary_key=True, index=True)
    until: Mapped[datetime] = mapped_column(index=True)
