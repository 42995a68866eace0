"""Order a new task: what is to be done, with which files, by which model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.workflows.records import MAX_FILES, MAX_TEXT_LENGTH, WorkflowTask
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.tasks.starters import starter_steps
from pages.widgets.tasks.task_list import open_task

if TYPE_CHECKING:
    from bootstrap.portal import Portal

T = TypeVar("T")


def order(portal: Portal, user: User) -> None:
    """Draw the form."""
    models = [each.name for each in portal.gateway.chat_models(user) if not each.guide]
    with st.container(border=True, key="task-order", gap="small"):
        request = st.text_area(
            t("What should be done?"), max_chars=MAX_TEXT_LENGTH, height=90, key="task-request",
            placeholder=t("For example: find the months below budget in these sheets, chart them, and write a paragraph."),
        )  # fmt: skip
        files: Sequence[UploadedFile] = []
        if allows(user, Permission.UPLOAD):
            files = st.file_uploader(
                t("Files (at most {n})", n=MAX_FILES), accept_multiple_files=True, key="task-files",
                max_upload_size=max(1, portal.files.max_bytes // 1_000_000),
            )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            model = None
            if len(models) > 1:
                model = st.selectbox(t("Model"), models, width=260, key="task-model")
            proposes = bool(models) and st.button(t("Propose steps"), type="primary", key="task-propose")
            by_hand = st.button(t("Write the steps yourself"), type="tertiary" if models else "primary", key="task-by-hand")
        if not models:
            st.caption(t("No model that can plan is loaded. You can write the steps yourself: queries in SQL and charts need no model."))
        if proposes or by_hand:
            ordered(lambda: _add(portal, user, request, files, model, propose=proposes).id)


def with_files(portal: Portal, user: User, files: Sequence[UploadedFile], make: Callable[[list[str]], T]) -> T:
    """Upload files and make something of their ids. If it is refused, the files are discarded."""
    ids: list[str] = []
    try:
        for file in files:
            ids.append(portal.files.upload(user, file.name, file.getvalue()).id)
        return make(ids)
    except PortalError:
        for each in ids:
            portal.files.discard(user, each)
        raise


def _add(portal: Portal, user: User, request: str, files: Sequence[UploadedFile], model: str | None, *, propose: bool) -> WorkflowTask:
    task = with_files(portal, user, files, lambda ids: portal.workflow_tasks.add(user, request, ids, model))
    if propose:
        return portal.workflow_tasks.plan(user, task.id)
    return portal.workflow_tasks.change(user, task.id, steps=starter_steps(task), version=task.version)


def ordered(make: Callable[[], str]) -> None:
    """Make a task and open it; show a refusal. make: returns its id."""
    try:
        with st.spinner(t("Reading the files")):
            task_id = make()
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    open_task(task_id)
    st.rerun()
