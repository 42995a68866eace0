"""Draw figures with the change since the period before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.usage.boards.records import Day, Money
from core.usage.figures import Figure
from core.usage.rollups.records import Sums
from pages.widgets.common.formats import MISSING

Good = Literal["up", "down", "neither"]
_COLOURS: dict[Good, Literal["normal", "inverse", "off"]] = {"up": "normal", "down": "inverse", "neither": "off"}
MOST_POINTS = 60
"""Points of the small line in a figure."""


def figure(
    label: str,
    value: str,
    delta: str | None,
    note: str,
    *,
    good: Good = "neither",
    trend: Sequence[float | None] = (),
    help: str | None = None,
) -> None:
    """Draw one figure. good: the direction that is an improvement. note: the grey words beside the change."""
    known = [each for each in trend if each is not None]
    same = delta is not None and not any(digit in delta for digit in "123456789")
    st.metric(
        label,
        value,
        delta.lstrip("+-") if delta and same else delta,
        delta_color="off" if same else _COLOURS[good],
        delta_description=note if delta else None,
        delta_arrow="off" if same else "auto",
        border=True,
        height="stretch",
        chart_data=known[-MOST_POINTS:] if len(known) > 1 else None,
        chart_type="line",
        help=help,
    )


def percent_change(change: float | None) -> str | None:
    """Format a relative change: +12.4 %; None stays None, since no percentage leads from nothing to something."""
    if change is None:
        return None
    return f"{change * 100:+.1f} %" if abs(change) < 1 else f"{change * 100:+,.0f} %"


def points(difference: float | None) -> str | None:
    """Format a difference of shares in percentage points, without the unit: +3.1."""
    return None if difference is None else f"{difference * 100:+.1f}"


def amount(money: Money) -> str:
    """Format amounts of one or several currencies: 12.40 EUR + 3.00 USD."""
    return " + ".join(f"{value:,.2f} {currency}" for currency, value in sorted(money.items())) or MISSING


def only(money: Money) -> float | None:
    """Return the amount, if all of it is in one currency."""
    return next(iter(money.values())) if len(money) == 1 else None


def ratio(sums: Sums, name: str, of: str = "answers") -> float | None:
    """Return a share of the sums."""
    whole = getattr(sums, of)
    return getattr(sums, name) / whole if whole else None


def change_of(now: float | None, before: float | None) -> float | None:
    return Figure(now, before).change


def by_day(days: Sequence[Day], name: str) -> list[float | None]:
    """Return a sum for each day; None while it is unknown."""
    return [None if each.sums is None else getattr(each.sums, name) for each in days]
