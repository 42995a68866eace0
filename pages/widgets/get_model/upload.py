"""Upload a model file through the browser. The browser sends it to REST in pieces, so the portal never holds the whole file in memory."""

from __future__ import annotations

import streamlit as st

from pages.shell.live_part import dialog
from pages.shell.words import t
from pages.widgets.common.script import component

_upload = component("upload", file="upload.js", html="<div class='upload'></div>")


def upload_dialog() -> None:
    """Open the upload dialog."""

    @dialog(t("Upload a file"))
    def ask() -> None:
        st.caption(t("Keep this window open. If the upload stops, choose the same file again: it goes on where it stopped."))
        words = {
            "choose": t("Choose a GGUF file"), "cancel": t("Cancel"), "done": t("uploaded; it is listed on the Models page"),
            "stopped": t("Stopped. What has arrived is kept for a week."), "failed": t("The portal cannot be reached. Try again."),
        }  # fmt: skip
        _upload(key="model-upload", data=words, on_event_change=lambda: None)

    ask()
