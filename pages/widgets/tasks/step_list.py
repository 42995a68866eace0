"""Draw the steps of a task in order, each with its result, and let the person change, move, remove and retry them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.workflows.records import MAX_TEXT_LENGTH, RUN_ENDED, Run, Step, StepKind, StepResult, StepState, WorkflowTask
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.tasks.step_form import EDITED, MENUS, NEW, begin, step_form
from pages.widgets.tasks.step_result import step_result, summary
from pages.widgets.tasks.words import DOES, STEP_ICONS, input_names

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PROBLEM = "task-problem"
"""The refusal of the last action, shown by the page that is drawn next."""


def acted(action: Callable[[], object]) -> None:
    """Act in a callback, and close the menus; a refusal is kept for the run that follows."""
    begin(None)
    try:
        action()
    except PortalError as problem:
        st.session_state[PROBLEM] = error_text(problem)


def step_list(portal: Portal, user: User, task: WorkflowTask, run: Run | None, results: Mapping[str, StepResult]) -> None:
    """Draw a row for each step. run: the newest one."""
    editable = task.plan_job_id is None and (run is None or run.state in RUN_ENDED)
    edited = st.session_state.get(EDITED) if editable else None
    with st.container(key="task-steps", gap=None):
        for number, step in enumerate(task.steps, 1):
            with st.container(key=f"taskstep-{step.id}", gap="xsmall"):
                result = _result_of(step, run, results)
                _head(portal, user, task, number, step, result, run, editable=editable)
                if edited == step.id:
                    step_form(portal, user, task, step)
                elif result is None and step.text:
                    st.markdown(f":gray[{plain(step.text[:300])}]")
                if result is not None:
                    _below(portal, user, run, step, result)
    if edited == NEW:
        step_form(portal, user, task, None)
    elif editable:
        st.button(t("Add a step"), icon=":material/add:", type="tertiary", key="task-step-add", on_click=begin, args=(NEW,))


def _result_of(step: Step, run: Run | None, results: Mapping[str, StepResult]) -> StepResult | None:
    """Return the result of a step, if the newest run did it as it is now."""
    if run is None or step not in run.steps:
        return None
    return results.get(step.id)


def _head(
    portal: Portal, user: User, task: WorkflowTask, number: int, step: Step, result: StepResult | None, run: Run | None, *, editable: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"taskhead-{step.id}"):
        icon = STEP_ICONS[result.state] if result is not None else f":gray[{number}.]"
        reads = input_names(step, task)
        facts = [t(DOES[step.kind]), *([t("from {names}", names=reads)] if reads else [])]
        st.markdown(f"{icon} **{plain(step.title)}** :small[:gray[{plain(' · '.join(facts))}]]", width="stretch")
        if editable:
            label = t("Actions for step {n}", n=number)
            key = f"task-more-{st.session_state.get(MENUS, 0)}-{step.id}"
            with st.popover(label, icon=":material/more_horiz:", type="tertiary", key=key):
                _actions(portal, user, task, number, step, again=run is not None)


def _actions(portal: Portal, user: User, task: WorkflowTask, number: int, step: Step, *, again: bool) -> None:
    st.button(t("Edit"), icon=":material/edit:", type="tertiary", key=f"task-edit-{step.id}", on_click=begin, args=(step.id,))
    for name, icon, by in ((t("Move up"), "arrow_upward", -1), (t("Move down"), "arrow_downward", 1)):
        if 1 <= number + by <= len(task.steps):
            moved = callback(lambda by=by: acted(lambda: _move(portal, user, task, number - 1, by)))
            st.button(name, icon=f":material/{icon}:", type="tertiary", key=f"task-move{by}-{step.id}", on_click=moved)
    removed = callback(lambda: acted(lambda: _remove(portal, user, task, step)))
    st.button(t("Remove"), icon=":material/delete:", type="tertiary", key=f"task-drop-{step.id}", on_click=removed)
    if again:
        retried = callback(lambda: acted(lambda: portal.workflow_runs.start(user, task.id, task.version, from_step=step.id)))
        words = t("Run again from step {n}", n=number)
        st.button(words, icon=":material/refresh:", type="tertiary", key=f"task-again-{step.id}", on_click=retried)


def _move(portal: Portal, user: User, task: WorkflowTask, at: int, by: int) -> None:
    steps = list(task.steps)
    steps[at], steps[at + by] = steps[at + by], steps[at]
    portal.workflow_tasks.change(user, task.id, steps=steps, version=task.version)


def _remove(portal: Portal, user: User, task: WorkflowTask, step: Step) -> None:
    steps = [each for each in task.steps if each.id != step.id]
    portal.workflow_tasks.change(user, task.id, steps=steps, version=task.version)


def _below(portal: Portal, user: User, run: Run | None, step: Step, result: StepResult) -> None:
    if result.state is StepState.ASKING and run is not None:
        if step.kind is StepKind.ASK:
            _question(portal, user, run, step)
        else:
            _leaving(portal, user, run, result)
        return
    if line := summary(result):
        st.caption(plain(line))
    if result.error is not None:
        st.error(plain(error_text(result.error)), icon=":material/error:")
    if result.state in (StepState.DONE, StepState.FAILED):
        step_result(step, result)
    if result.state is StepState.FAILED and run is not None and run.state in RUN_ENDED:
        _skipping(portal, user, run, step)


def _skipping(portal: Portal, user: User, run: Run, step: Step) -> None:
    """Offer to go on without a step that failed."""
    with st.container(horizontal=True, gap="small", key=f"taskskip-{step.id}"):
        skipped = callback(lambda: acted(lambda: portal.workflow_runs.skip(user, run.id, step.id)))
        about = t("The steps that read its result are left out, too.")
        st.button(t("Skip this step"), key=f"task-skip-{step.id}", help=about, on_click=skipped)
        with st.popover(t("Give its result"), type="tertiary", key=f"task-give-{step.id}"):
            text = st.text_area(t("The result of this step"), max_chars=MAX_TEXT_LENGTH, height=110, key=f"task-given-{run.id}-{step.id}")
            if st.button(t("Go on with this"), type="primary", key=f"task-given-send-{step.id}", disabled=not text.strip()):
                acted(lambda: portal.workflow_runs.skip(user, run.id, step.id, text))
                st.rerun()


def _leaving(portal: Portal, user: User, run: Run, result: StepResult) -> None:
    """Ask whether a step may send its inputs to a model outside of the portal."""
    with st.container(border=True, key="task-leaving"):
        said = t("This step sends its inputs to {target}, outside of the portal.", target=plain(result.asked))
        st.markdown(f":orange[:material/outbound:] {said}")
        if st.button(t("Allow it for this run"), type="primary", key="task-let-leave"):
            acted(lambda: portal.workflow_runs.let_leave(user, run.id))
            st.rerun()


def _question(portal: Portal, user: User, run: Run, step: Step) -> None:
    key = f"task-answer-{run.id}-{step.id}"
    with st.container(border=True, key="task-question"):
        text = st.text_area(plain(step.text), max_chars=MAX_TEXT_LENGTH, height=90, key=key)
        if st.button(t("Answer and go on"), type="primary", key="task-answer-send"):
            acted(lambda: portal.workflow_runs.answer(user, run.id, text))
            st.rerun()
