"""Compute days in the user's time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo

import streamlit as st


def zone() -> timezone:
    """Return the browser's time zone as an offset; UTC until it is known."""
    # Streamlit gives the offset as JavaScript does: minutes from local time to UTC.
    return timezone(timedelta(minutes=-(st.context.timezone_offset or 0)))


def between(dates: Iterable[date], zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return the start (inclusive) and end (exclusive) of the chosen days. A range with one end is still being chosen."""
    chosen = tuple(dates)
    if len(chosen) != 2:
        return None, None
    return datetime.combine(chosen[0], time.min, zone), datetime.combine(chosen[1], time.min, zone) + timedelta(days=1)
