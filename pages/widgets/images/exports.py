"""Download a run: the image with its boxes, JSON, COCO or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.grounding.exports.exports import ExportFormat
from core.grounding.records import GroundImage, GroundRun
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_FORMATS = {ExportFormat.JSON: ("JSON", "json"), ExportFormat.COCO: ("COCO", "coco.json"), ExportFormat.CSV: ("CSV", "csv")}


def exports(portal: Portal, user: User, run: GroundRun, image: GroundImage) -> None:
    if not allows(user, Permission.EXPORT):
        return
    stem = image.name.rpartition(".")[0] or image.name
    with st.popover(t("Export"), icon=":material/download:", key="images-export"):
        drawn = "png" if image.media_type == "image/png" else "jpg"
        st.download_button(
            t("Image with boxes"), lambda: portal.box_exports.drawn(user, run.id)[1].content, f"{stem}-boxes.{drawn}", image.media_type,
            type="tertiary", key="images-export-drawn", on_click="ignore",
        )  # fmt: skip
        for format, (name, extension) in _FORMATS.items():
            st.download_button(
                name, _content(portal, user, run, format), f"{stem}-boxes.{extension}",
                "text/csv" if format is ExportFormat.CSV else "application/json", type="tertiary", key=f"images-export-{format}",
                on_click="ignore",
            )  # fmt: skip
        if run.corrected is not None:
            st.caption(t("The export has the boxes as you corrected them."))


def _content(portal: Portal, user: User, run: GroundRun, format: ExportFormat):
    return lambda: portal.box_exports.export(user, [run.id], format)
