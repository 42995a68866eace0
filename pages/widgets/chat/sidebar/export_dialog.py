"""The dialog that downloads chats in a chosen format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st

from core.chat.exports.exports import MAX_BY_PLUGIN, MAX_CHATS
from core.chat.records import Conversation
from core.plugins.records import ExportFormat
from core.plugins.registry import REPORTS
from core.plugins.service import EXPORT_FAILED
from pages.shell.live_part import dialog
from pages.shell.words import OWN_SENTENCES, t
from pages.widgets.chat.message import plain
from pages.widgets.common.script import component

_download = component("exported", file="export.js", html="<button type='button'></button><p role='alert'></p>")

ERRORS = (
    EXPORT_FAILED,
    REPORTS,
    "There is no export format {name}. Choose one of these: {names}.",
    "There is no export format {name}.",
    "At most {n} chats can be exported in this format at once.",
    "This conversation does not exist. It may have been deleted.",
    "Your role ({role}) does not allow this. An admin can change roles on the People page.",
    "Your group ({group}) may not use this. An admin can change that on the People page.",
    "This API key, token or session is not valid, or has ended. Sign in again, or use another key.",
    "Others are exporting chats or uploading files. Try again in a minute.",
    *OWN_SENTENCES,
)
"""Templates of the errors that an export may end with."""


def export_chats(formats: Sequence[ExportFormat], conversations: Sequence[Conversation], on_dismiss: Callable[[], None]) -> None:
    """Let the browser fetch the file from REST, which checks the user's rights at that moment."""
    number = len(conversations)
    titles = {each.name: each.title for each in formats}

    @dialog(t("Export"), on_dismiss=on_dismiss)
    def ask() -> None:
        st.caption(plain(conversations[0].title or t("New chat")) if number == 1 else t("{n} chats", n=number))
        if number > MAX_CHATS:
            st.markdown(t("Choose at most {n} chats.", n=MAX_CHATS))
            return
        format = st.segmented_control(
            t("Format"), list(titles), default="markdown", format_func=lambda each: plain(titles[each]), required=True, key="export-format"
        )
        meaning = {
            "markdown": t("What the chat shows, as text for other tools."),
            "html": t("What the chat shows, as a page for any browser."),
            "json": t("All versions of all messages, with reasoning, models and ratings."),
        }
        said = meaning.get(format) or t("A plugin writes this format. It can take a few seconds, and {n} chats at once.", n=MAX_BY_PLUGIN)
        st.caption(f"{said} {t('Images are included; other files are named.')}")
        address = urlencode([("format", format), *(("id", each.id) for each in conversations)])
        labels = {
            "download": t("Download"),
            "working": t("Preparing the file"),
            "failed": t("The export failed. Try again, or choose another format."),
            "away": t("The portal cannot be reached. Try again in a moment."),
            # REST speaks English: the browser finds the sentence of an error here, whatever its values are.
            "sentences": [[each, t(each)] for each in ERRORS],
        }
        _download(key=f"export-{format}", data=[labels, f"/api/v1/conversations/export?{address}"])

    ask()
