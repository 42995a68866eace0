"""Write or change one step, in its row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.knowledge.tables.records import ChartKind
from core.people.records import User
from core.workflows.records import MAX_TITLE_LENGTH, DrawnColumns, Step, StepKind, WorkflowTask
from pages.shell.words import t
from pages.widgets.common.outcome import carry_out
from pages.widgets.tasks.words import KINDS, TEXTS, input_name

if TYPE_CHECKING:
    from bootstrap.portal import Portal

EDITED = "task-edited"
"""The id of the step that is edited; NEW for one that is added."""
MENUS = "task-menus"
"""A number in the keys of the menus of steps: another one closes them."""
NEW = "new"
DONE = "task-done"
_CHARTS = {ChartKind.BAR: "Bars", ChartKind.LINE: "Lines", ChartKind.SCATTER: "Points"}


def begin(step_id: str | None) -> None:
    """Edit a step; None ends it."""
    st.session_state[EDITED] = step_id
    st.session_state[MENUS] = st.session_state.get(MENUS, 0) + 1


def step_form(portal: Portal, user: User, task: WorkflowTask, step: Step | None) -> None:
    """Draw the fields of a step; None: of one that is added at the end."""
    key = f"{task.id}-{step.id if step else NEW}-{task.version}"
    with st.container(border=True, key="task-step-form", gap="small"):
        kind = step.kind if step else StepKind.QUERY
        if step is None:
            kind = st.selectbox(t("Kind"), list(StepKind), format_func=lambda each: t(KINDS[each]), key=f"task-kind-{key}")
        title = st.text_input(
            t("Title"),
            step.title if step else t(KINDS[kind]),
            max_chars=MAX_TITLE_LENGTH,
            autocomplete="off",
            key=f"task-title-{kind}-{key}",
        )
        text = step.text if step else ""
        if kind in TEXTS:
            text = st.text_area(t(TEXTS[kind]), text, height=110, key=f"task-text-{kind}-{key}")
        inputs = _inputs(task, step, kind, key)
        chart = _chart(step, key) if kind is StepKind.CHART else None
        with st.container(horizontal=True, gap="small"):
            keep = st.button(t("Keep"), type="primary", key="task-step-keep")
            st.button(t("Undo"), type="tertiary", key="task-step-undo", on_click=begin, args=(None,))
        if keep:
            made = Step(id=step.id if step else _new_id(task), kind=kind, title=title, text=text, inputs=inputs, chart=chart)
            carry_out(lambda: _keep(portal, user, task, made), DONE)


def _keep(portal: Portal, user: User, task: WorkflowTask, step: Step) -> str:
    known = {each.id for each in task.steps}
    steps = [step if each.id == step.id else each for each in task.steps] if step.id in known else [*task.steps, step]
    portal.workflow_tasks.change(user, task.id, steps=steps, version=task.version)
    begin(None)
    return t("The step was saved. Nothing has run yet.")


def _new_id(task: WorkflowTask) -> str:
    numbers = [int(each.id[1:]) for each in task.steps]
    return f"s{max(numbers, default=0) + 1}"


def _inputs(task: WorkflowTask, step: Step | None, kind: StepKind, key: str) -> tuple[str, ...]:
    if kind in (StepKind.SEARCH, StepKind.ASK):
        return ()
    numbers = {each.id: number for number, each in enumerate(task.steps, 1)}
    before = [each.id for each in task.steps[: numbers[step.id] - 1 if step else None]]
    offered = [*(each.reference for each in task.files), *before]
    chosen = [each for each in (step.inputs if step else ()) if each in offered]
    return tuple(
        st.multiselect(
            t("Reads"), offered, chosen, format_func=lambda each: input_name(each, task, numbers), placeholder=t("Files and earlier steps"),
            key=f"task-in-{kind}-{key}",
        )
    )


def _chart(step: Step | None, key: str) -> DrawnColumns:
    now = step.chart if step and step.chart else DrawnColumns()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        kind = st.segmented_control(
            t("Chart"), list(ChartKind), default=now.kind, format_func=lambda each: t(_CHARTS[each]), required=True, key=f"task-chart-{key}"
        )
        x = st.text_input(
            t("Horizontal axis, a column"), now.x, placeholder=t("chosen by the rows"), autocomplete="off", width=200, key=f"task-x-{key}"
        )
        y = st.text_input(
            t("Vertical axis, columns separated by commas"), ", ".join(now.y), placeholder=t("chosen by the rows"), autocomplete="off",
            width=300, key=f"task-y-{key}",
        )  # fmt: skip
    columns = tuple(each.strip() for each in y.split(",") if each.strip())
    return replace(now, kind=kind or now.kind, x=x.strip(), y=columns)
