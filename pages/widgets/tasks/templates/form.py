"""Change the words of a template: its title, its request, and the texts of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.workflows.records import MAX_TEXT_LENGTH, MAX_TITLE_LENGTH, Step
from core.workflows.templates.records import TaskTemplate
from pages.shell.words import t
from pages.widgets.common.outcome import carry_out
from pages.widgets.tasks.step_form import DONE
from pages.widgets.tasks.words import KINDS, TEXTS

if TYPE_CHECKING:
    from bootstrap.portal import Portal

EDITED = "template-edited"
"""The id of the template that is changed."""


def edit(template_id: str | None) -> None:
    st.session_state[EDITED] = template_id


def template_form(portal: Portal, user: User, template: TaskTemplate) -> None:
    key = f"{template.id}-{template.version}"
    hint = "Put what changes from run to run in [brackets]. In SQL, write {example}, since brackets have a meaning there."
    st.caption(t(hint, example="{{month}}"))
    with st.form(f"template-{key}", border=False):
        title = st.text_input(t("Title"), template.title, max_chars=MAX_TITLE_LENGTH, autocomplete="off")
        request = st.text_area(t("What should be done?"), template.request, max_chars=MAX_TEXT_LENGTH, height=90)
        steps = [_step(number, each, key) for number, each in enumerate(template.steps, 1)]
        with st.container(horizontal=True, gap="small"):
            sent = st.form_submit_button(t("Save"), type="primary", key="template-save")
            undone = st.form_submit_button(t("Undo"), type="tertiary", key="template-undo")
    if undone:
        edit(None)
        st.rerun()
    if sent:
        carry_out(lambda: _saved(portal, user, template, title, request, steps), DONE)


def _step(number: int, step: Step, key: str) -> Step:
    title = st.text_input(
        t("Step {n}: {kind}", n=number, kind=t(KINDS[step.kind])), step.title, max_chars=MAX_TITLE_LENGTH, autocomplete="off",
        key=f"template-title-{key}-{step.id}",
    )  # fmt: skip
    text = step.text
    if step.kind in TEXTS:
        text = st.text_area(t(TEXTS[step.kind]), step.text, max_chars=MAX_TEXT_LENGTH, height=90, key=f"template-text-{key}-{step.id}")
    return replace(step, title=title, text=text.strip())


def _saved(portal: Portal, user: User, template: TaskTemplate, title: str, request: str, steps: Sequence[Step]) -> str:
    portal.task_templates.change(user, template.id, version=template.version, title=title, request=request, steps=steps)
    edit(None)
    return t("The template was saved.")
