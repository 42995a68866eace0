"""Download a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.usage.reporting.writer import ReportFile, ReportFormat
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_WORDS = {ReportFormat.HTML: "One HTML file, for reading offline", ReportFormat.PDF: "PDF", ReportFormat.CSV: "CSV files in a ZIP file"}
_TYPES = {
    ReportFormat.HTML: ("html", "text/html"),
    ReportFormat.PDF: ("pdf", "application/pdf"),
    ReportFormat.CSV: ("zip", "application/zip"),
}


def downloads(portal: Portal, user: User, name: str, write: Callable[[ReportFormat], ReportFile]) -> None:
    """Draw the button with its formats, if the person may export. write: makes a file once it is asked for."""
    formats = portal.report_writer.formats(user)
    if not formats:
        return
    with st.popover(t("Download"), icon=":material/download:", key="report-download"):
        for format in formats:
            ending, media_type = _TYPES[format]
            st.download_button(
                t(_WORDS[format]), lambda format=format: write(format).content, f"{name}.{ending}", media_type, on_click="ignore",
                key=f"report-download-{format}", width="stretch",
            )  # fmt: skip
