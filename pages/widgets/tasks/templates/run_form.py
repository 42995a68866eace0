"""Fill a template in, and run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.people.permissions import Permission, allows
from core.people.records import User
from core.workflows.templates.records import MAX_VALUE_LENGTH, ListedTemplate
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.tasks.order import ordered, with_files
from pages.widgets.tasks.templates.listing import TEMPLATE

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def run_form(portal: Portal, user: User, listed: ListedTemplate) -> None:
    """Draw a field for each blank and each file."""
    template = listed.template
    asks = bool(listed.blanks or template.files)
    sub = t("They fill the blue words of the steps") if asks else t("Nothing is asked: it runs as it is")
    with card("template-run", t("Asked at each run"), sub):
        values = {
            name: st.text_input(plain(name), max_chars=MAX_VALUE_LENGTH, autocomplete="off", key=f"template-value-{template.id}-{name}")
            for name in listed.blanks
        }
        if template.files and not allows(user, Permission.UPLOAD):
            st.caption(t("It needs files, and you may not upload any. Ask an admin."))
            return
        limit = max(1, portal.files.max_bytes // 1_000_000)
        files = [
            st.file_uploader(
                plain(each.name), max_upload_size=limit, key=f"template-file-{template.id}-{template.version}-{each.position}"
            )
            for each in template.files
        ]
        if st.button(t("Approve and run"), type="primary", icon=":material/play_arrow:", key="template-run"):
            missing = next((slot.name for slot, file in zip(template.files, files, strict=True) if file is None), None)
            if missing is not None:
                st.error(t("Attach a file for {name}.", name=plain(missing)), icon=":material/error:")
                return
            given = [each for each in files if each is not None]
            ordered(lambda: _started(portal, user, listed, values, given))


def _started(portal: Portal, user: User, listed: ListedTemplate, values: dict[str, str], files: list[UploadedFile]) -> str:
    template = listed.template
    run = with_files(portal, user, files, lambda ids: portal.template_runs.run(user, template.id, template.version, values, ids))
    st.query_params.pop(TEMPLATE, None)
    return run.task_id
