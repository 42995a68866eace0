"""List a person's tasks, each with the state of its newest run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age
from pages.widgets.tasks.words import state_badge

if TYPE_CHECKING:
    from bootstrap.portal import Portal

TASK = "task"
"""The query parameter that opens a task."""


def open_task(task_id: str | None) -> None:
    if task_id is None:
        st.query_params.pop(TASK, None)
    else:
        st.query_params[TASK] = task_id


def task_list(portal: Portal, user: User) -> None:
    """Draw a row for each task."""
    tasks = portal.workflow_tasks.list(user)
    st.markdown(f"### {t('Your tasks')}", anchors=False)
    if not tasks:
        st.caption(t("There are none yet. A task keeps its steps and the results of its runs."))
    with st.container(key="task-list", gap=None):
        for task, run in tasks:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"taskrow-{task.id}"):
                steps = t("{n} steps", n=len(task.steps))
                st.markdown(
                    f"**{plain(task.title)}**  \n:small[{state_badge(task, run)} :gray[· {steps} · {age(task.updated_at)}]]",
                    width="stretch",
                )  # fmt: skip
                # Outside of the fragment: the page changes from the list to the task.
                if st.button(t("Open"), type="tertiary", key=f"task-open-{task.id}"):
                    open_task(task.id)
                    st.rerun()
