"""Offer a usage report as CSV, per day or per answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.people.records import User
from core.usage.csv_file import to_csv
from core.usage.records import RatedGeneration
from core.usage.reports import UsageReport
from core.usage.totals import Totals
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def export_menu(head: DeltaGenerator, portal: Portal, user: User, report: UsageReport) -> None:
    """Draw the export button with its menu. head: the container for it."""
    name = f"{report.query.first.isoformat()}_{report.query.last.isoformat()}"
    with head, st.popover(t("Export CSV"), icon=":material/download:", key="usage-export"):
        st.download_button(
            t("Summary per day"),
            lambda: days_csv(report),
            f"usage-days_{name}.csv",
            "text/csv",
            key="usage-csv-days",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            t("One row per answer"), lambda: rows_csv(portal.usage.rows(user, report.query)), f"usage-answers_{name}.csv", "text/csv",
            key="usage-csv-rows", on_click="ignore", width="stretch",
        )  # fmt: skip
        st.caption(t("The rows contain no text of questions or answers."))


def days_csv(report: UsageReport) -> bytes:
    """Return the report as CSV, one row per day."""
    names = [each.name for each in fields(Totals)]
    return to_csv(["day", *names, "satisfaction"], ([day, *astuple(each), each.satisfaction] for day, each in report.by_day))


def rows_csv(rows: Sequence[RatedGeneration]) -> bytes:
    """Return CSV with one row per answer."""
    return to_csv([each.name for each in fields(RatedGeneration)], (astuple(row) for row in rows))
