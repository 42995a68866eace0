"""Define the table of policies for personal data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class PrivacyPolicyTable(Table):
    __tablename__ = "privacy_policies"

    group_name: Mapped[str] = mapped_column(String(200), primary_key=True)
    policy: Mapped[dict[str, Any]]
