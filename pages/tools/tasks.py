"""Tasks: say what is to be done, see every step before it runs, and read what each step made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.people.permissions import Permission, require
from core.people.records import User
from core.workflows.records import RUN_ENDED, SETTLED, Run, RunState, WorkflowTask
from pages.shell import frame
from pages.shell.live_part import callback, part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import show_outcome
from pages.widgets.tasks.order import order
from pages.widgets.tasks.side import side
from pages.widgets.tasks.starters import starter_steps
from pages.widgets.tasks.step_form import DONE, EDITED, NEW, begin, step_form
from pages.widgets.tasks.step_list import PROBLEM, acted, step_list
from pages.widgets.tasks.task_list import TASK, open_task, task_list
from pages.widgets.tasks.templates.form import edit
from pages.widgets.tasks.templates.listing import TEMPLATE, open_template, template_list
from pages.widgets.tasks.templates.template_page import template_page

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "tasks"
LIVE_S, LISTED_S = 1.5, 10.0


def render(portal: Portal, user: User) -> None:
    require(user, Permission.RUN_TASKS)
    if (template := st.query_params.get(TEMPLATE)) is not None:
        template_page(portal, user, template)
        return
    wanted = st.query_params.get(TASK)
    if wanted is None:
        st.session_state.pop(EDITED, None)
        frame.page_head(t("Tasks"), t("Describe the work once. You see every step before it runs."), key="tasks")
        show_outcome(DONE)
        order(portal, user)
        left, right = st.columns([3, 2], gap="medium")
        with left:
            part(task_list, every=LISTED_S)(portal, user)
        with right:
            template_list(portal, user)
        return
    st.button(t("All tasks"), icon=":material/arrow_back:", type="tertiary", key="task-back", on_click=open_task, args=(None,))
    try:
        task = portal.workflow_tasks.get(user, wanted)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-task")
        return
    run = next(iter(portal.workflow_runs.list(user, task.id, 1)), None)
    _task(portal, user, task, run)


def _task(portal: Portal, user: User, task: WorkflowTask, run: Run | None) -> None:
    planning, running = task.plan_job_id is not None, run is not None and run.state not in RUN_ENDED
    with frame.page_head(plain(task.title), _sub(task, run), key="task"):
        _buttons(portal, user, task, run)
    show_outcome(DONE)
    if refused := st.session_state.pop(PROBLEM, None):
        st.error(plain(refused), icon=":material/error:")
    st.markdown(f":gray[{t('Asked:')}] {plain(task.request)}")
    if task.problem is not None:
        st.error(plain(error_text(task.problem)), icon=":material/error:")
    if planning:
        part(_planning, every=LIVE_S)(portal, user, task)
    elif not task.steps:
        _without_steps(portal, user, task)
    else:
        # A run that asks waits for the person: a redraw would take what they are writing.
        live = running and run is not None and run.state is not RunState.ASKING
        part(_body, every=LIVE_S if live else None)(portal, user, task.id, live, _shown(task, run))


def _sub(task: WorkflowTask, run: Run | None) -> str:
    if run is not None and run.state is RunState.FAILED and run.version == task.version:
        return t("The last run failed. The steps before the failure are kept.")
    if run is None and task.planned_by:
        return t("{n} steps proposed by {model}. Nothing has run yet.", n=len(task.steps), model=plain(task.planned_by))
    return t("{n} steps", n=len(task.steps)) if task.steps else ""


def _buttons(portal: Portal, user: User, task: WorkflowTask, run: Run | None) -> None:
    if task.plan_job_id is not None:
        stop = callback(lambda: acted(lambda: portal.workflow_tasks.cancel_plan(user, task.id)))
        st.button(t("Cancel"), icon=":material/close:", key="task-cancel-plan", on_click=stop)
        return
    if run is not None and run.state not in RUN_ENDED:
        stop = callback(lambda: acted(lambda: portal.workflow_runs.cancel(user, run.id)))
        st.button(t("Cancel"), icon=":material/close:", key="task-cancel", on_click=stop)
        return
    removed = callback(lambda: acted(lambda: _remove(portal, user, task)))
    with st.popover(t("Delete"), type="tertiary", key="task-delete"):
        st.markdown(t("Delete this task with its files and the results of its runs?"))
        st.button(t("Delete"), key="task-delete-sure", on_click=removed)
    if task.steps:
        saved = callback(lambda: acted(lambda: _save_as_template(portal, user, task)))
        st.button(t("Save as template"), icon=":material/bookmark_add:", type="tertiary", key="task-template", on_click=saved)
    if portal.workflow_tasks.planner_for(user, task.model) is not None:
        again = callback(lambda: acted(lambda: portal.workflow_tasks.plan(user, task.id)))
        st.button(t("Propose again") if task.steps else t("Propose steps"), icon=":material/refresh:", key="task-plan", on_click=again)
    if task.steps:
        fresh = run is not None and run.state is RunState.DONE and run.version == task.version
        words = (
            t("Approve and run") if run is None or run.version != task.version else t("Run again") if fresh else _retry(portal, user, run)
        )
        start = callback(lambda: acted(lambda: portal.workflow_runs.start(user, task.id, task.version, fresh=fresh)))
        st.button(words, type="primary", key="task-run", on_click=start)


def _retry(portal: Portal, user: User, run: Run) -> str:
    _, results = portal.workflow_runs.get(user, run.id)
    left = [number for number, each in enumerate(run.steps, 1) if each.id not in results or results[each.id].state not in SETTLED]
    return t("Retry from step {n}", n=left[0]) if left else t("Run again")


def _remove(portal: Portal, user: User, task: WorkflowTask) -> None:
    portal.workflow_tasks.remove(user, task.id)
    open_task(None)


def _save_as_template(portal: Portal, user: User, task: WorkflowTask) -> None:
    made = portal.task_templates.save_task(user, task.id)
    open_template(made.id)
    edit(made.id)


def _planning(portal: Portal, user: User, task: WorkflowTask) -> None:
    if portal.workflow_tasks.get(user, task.id).plan_job_id is None:
        st.rerun()
    st.markdown(f":blue[:material/progress_activity:] {t('The model proposes steps. Nothing runs before you approve it.')}")


def _without_steps(portal: Portal, user: User, task: WorkflowTask) -> None:
    frame.blank(t("No steps yet"), t("Begin with steps that fit the files, or add your own."), key="blank-steps")
    if st.session_state.get(EDITED) == NEW:
        step_form(portal, user, task, None)
        return
    begun = callback(lambda: acted(lambda: portal.workflow_tasks.change(user, task.id, steps=starter_steps(task), version=task.version)))
    with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
        st.button(t("Begin with these files"), key="task-starter", on_click=begun)
        st.button(t("Add a step"), icon=":material/add:", type="tertiary", key="task-step-add", on_click=begin, args=(NEW,))


def _shown(task: WorkflowTask, run: Run | None) -> tuple[int, str]:
    """Return what the head of the page shows: it is drawn again once this changes."""
    return task.version, run.id if run is not None else ""


def _body(portal: Portal, user: User, task_id: str, live: bool, shown: tuple[int, str]) -> None:
    task = portal.workflow_tasks.get(user, task_id)
    run = next(iter(portal.workflow_runs.list(user, task_id, 1)), None)
    ended = live and (run is None or run.state in (*RUN_ENDED, RunState.ASKING))
    if ended or _shown(task, run) != shown or PROBLEM in st.session_state:
        st.rerun()
    results = portal.workflow_runs.get(user, run.id)[1] if run is not None else {}
    left, right = st.columns([2, 1], gap="medium")
    with left:
        step_list(portal, user, task, run, results)
    with right, st.container(gap="small"):
        side(portal, user, task, run, results)
