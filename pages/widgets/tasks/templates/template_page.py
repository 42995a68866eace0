"""Draw one template: what it asks for, its steps, who runs it, and its last runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.people.records import User
from core.workflows.templates.records import ListedTemplate, TaskTemplate
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import age
from pages.widgets.common.outcome import show_outcome
from pages.widgets.tasks.step_form import DONE
from pages.widgets.tasks.task_list import open_task
from pages.widgets.tasks.templates.blank_words import step_text, with_blanks
from pages.widgets.tasks.templates.form import EDITED, edit, template_form
from pages.widgets.tasks.templates.listing import TEMPLATE, open_template
from pages.widgets.tasks.templates.rights import removal, rights
from pages.widgets.tasks.templates.run_form import run_form
from pages.widgets.tasks.templates.schedule import schedule_card
from pages.widgets.tasks.words import KIND_ICONS, state_badge

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LAST_RUNS = 10


def template_page(portal: Portal, user: User, template_id: str) -> None:
    st.button(t("All tasks"), icon=":material/arrow_back:", type="tertiary", key="template-back", on_click=open_template, args=(None,))
    try:
        listed = portal.task_templates.get(user, template_id)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-template")
        return
    template = listed.template
    edited = listed.own and st.session_state.get(EDITED) == template.id
    owner = t("you") if listed.own else plain(listed.owner_name)
    with frame.page_head(
        with_blanks(template.title), t("Template, version {n}, by {owner}", n=template.version, owner=owner), key="template"
    ):
        if listed.own:
            removal(portal, user, listed)
            st.button(t("Edit"), icon=":material/edit:", key="template-edit", disabled=edited, on_click=edit, args=(template.id,))
    show_outcome(DONE)
    left, right = st.columns(2, gap="medium")
    with left:
        if not edited:
            run_form(portal, user, listed)
            schedule_card(portal, user, listed)
            _last_runs(portal, user, template)
        else:
            with card("template-form", t("Edit the template"), t("Runs that were made of it stay as they are")):
                template_form(portal, user, template)
    with right:
        _steps(listed)
        rights(portal, user, listed)


def _steps(listed: ListedTemplate) -> None:
    template = listed.template
    with card("template-steps", t("Steps"), with_blanks(template.request)):
        for step in template.steps:
            text = step_text(step)
            below = f"  \n:small[:gray[{text}]]" if text else ""
            with st.container(key=f"taskstep-t-{step.id}"):
                st.markdown(f":gray[:material/{KIND_ICONS[step.kind]}:] {with_blanks(step.title)}{below}")


def _last_runs(portal: Portal, user: User, template: TaskTemplate) -> None:
    made = portal.workflow_tasks.list(user, LAST_RUNS, template.id)
    if not made:
        return
    with card("template-runs", t("Your last runs"), t("Each is a task of yours")):
        for task, run in made:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"taskrow-r-{task.id}"):
                st.markdown(f"**{plain(task.title)}**  \n:small[{state_badge(task, run)} :gray[· {age(task.updated_at)}]]", width="stretch")
                st.button(t("Open"), type="tertiary", key=f"template-task-{task.id}", on_click=_open, args=(task.id,))


def _open(task_id: str) -> None:
    st.query_params.pop(TEMPLATE, None)
    open_task(task_id)
