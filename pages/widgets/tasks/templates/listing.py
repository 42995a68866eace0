"""List the templates that a person may run, and offer some to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.prompts.records import Share
from core.workflows.templates.records import ListedTemplate
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.outcome import carry_out
from pages.widgets.tasks.step_form import DONE
from pages.widgets.tasks.task_list import open_task
from pages.widgets.tasks.templates.ready_made import READY_MADE, ReadyMade

if TYPE_CHECKING:
    from bootstrap.portal import Portal

TEMPLATE = "template"
"""The query parameter that opens a template."""
SHOWN = 100


def open_template(template_id: str | None) -> None:
    open_task(None)
    if template_id is None:
        st.query_params.pop(TEMPLATE, None)
    else:
        st.query_params[TEMPLATE] = template_id


def template_list(portal: Portal, user: User) -> None:
    """Draw a row for each template."""
    templates = portal.task_templates.list(user)
    with card("task-templates", t("Templates"), t("Tasks to run again, with other files and words")):
        if not templates:
            st.caption(t("There are none yet. Save a task as a template, or begin with one of these."))
        with st.container(key="template-list", gap=None):
            for each in templates[:SHOWN]:
                with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"taskrow-t-{each.template.id}"):
                    st.markdown(f"**{plain(each.template.title)}**  \n:small[:gray[{_facts(each)}]]", width="stretch")
                    opened = {"type": "tertiary", "key": f"template-open-{each.template.id}"}
                    st.button(t("Run"), on_click=open_template, args=(each.template.id,), **opened)  # type: ignore[arg-type]
        if len(templates) > SHOWN:
            st.caption(t("{shown} of {n} are shown.", shown=SHOWN, n=len(templates)))
        with st.popover(t("Ready-made templates"), icon=":material/add:", type="tertiary", key="template-ready-made"):
            for name, make in READY_MADE.items():
                ready = make()
                st.markdown(f"**{plain(ready.title)}**  \n:small[:gray[{plain(ready.request)}]]")
                if st.button(t("Take this one"), key=f"template-take-{name}"):
                    carry_out(lambda ready=ready: _taken(portal, user, ready), DONE)  # type: ignore[misc]


def _facts(listed: ListedTemplate) -> str:
    """Return what a template asks for, and who shares it."""
    asked = [*listed.blanks, *(each.name for each in listed.template.files)]
    facts = [t("asks for {names}", names=", ".join(asked)) if asked else t("asks for nothing")]
    if not listed.own:
        facts.append(t("shared by {name}", name=listed.owner_name))
    elif listed.template.share is not Share.OWN:
        facts.append(listed.template.group if listed.template.share is Share.GROUP else t("Everyone"))
    return plain(" · ".join(facts))


def _taken(portal: Portal, user: User, ready: ReadyMade) -> str:
    made = portal.task_templates.add(user, ready.title, ready.request, ready.steps, ready.files)
    open_template(made.id)
    return t("The template is yours. Change it as you like.")
