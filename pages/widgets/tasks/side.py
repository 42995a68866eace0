"""Draw what stands beside the steps: the run, the files, the limits, and the result to take along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from core.workflows.plan_checks import last_steps, without_skipped
from core.workflows.records import Run, RunState, StepResult, StepState, WorkflowTask
from core.workflows.results import ResultFormat
from pages.shell import frame
from pages.shell.words import listed, t
from pages.widgets.chat.linked_message import CONVERSATION
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card, facts_list
from pages.widgets.common.formats import ago, count, seconds
from pages.widgets.tasks.step_list import acted
from pages.widgets.tasks.words import STEP_ICONS, cost_words, state_badge, took_time

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_LOOKS = {
    StepState.RUNNING: "now", StepState.ASKING: "now", StepState.DONE: "done", StepState.FAILED: "fail", StepState.SKIPPED: "wait",
}  # fmt: skip
_FORMATS = {ResultFormat.MARKDOWN: ("Markdown", "md"), ResultFormat.HTML: ("HTML", "html"), ResultFormat.CSV: ("CSV", "csv")}


def side(portal: Portal, user: User, task: WorkflowTask, run: Run | None, results: Mapping[str, StepResult]) -> None:
    if run is not None:
        _run(portal, user, task, run, results)
        _result(portal, user, run, results)
    if task.files:
        with card("task-files", t("Files"), t("Read with your rights when a step runs")):
            for each in task.files:
                st.markdown(plain(each.name))
    _limits(portal, task)


def _run(portal: Portal, user: User, task: WorkflowTask, run: Run, results: Mapping[str, StepResult]) -> None:
    mine = [each for each in results.values() if not each.carried]
    tokens = sum(each.prompt_tokens + each.completion_tokens for each in mine)
    limits = portal.workflow_tasks.limits
    with card("task-run", t("Last run"), t("Started: {age}", age=ago(run.created_at))):
        st.markdown(state_badge(task, run))
        done = sum(each.state is StepState.DONE for each in results.values())
        facts_list([
            (t("Steps"), t("{n} of {all} done", n=done, all=len(run.steps))),
            (t("Time"), seconds(sum(each.seconds for each in mine))),
            (t("Tokens"), t("{n} of at most {most}", n=count(tokens), most=count(limits.tokens))),
            (t("Cost"), cost_words(portal.workflow_runs.cost(user, run.id))),
        ])  # fmt: skip
        _timeline(run, results)
        if run.version != task.version:
            st.caption(t("The steps were changed after this run."))


def _timeline(run: Run, results: Mapping[str, StepResult]) -> None:
    """Draw the steps of a run in order, each with its time, like those of a hot swap."""
    with st.container(key="task-timeline", gap=None):
        for number, step in enumerate(run.steps):
            result = results.get(step.id)
            look = _LOOKS[result.state] if result is not None else "wait"
            icon = STEP_ICONS[result.state] if result is not None else ":gray[:material/radio_button_unchecked:]"
            time = took_time(result) if result is not None else ""
            with st.container(key=f"swapstep-task{number}-{look}", gap="xxsmall"):
                st.markdown(f"{icon} {plain(step.title)} :gray[:small[{time}]]")


def _limits(portal: Portal, task: WorkflowTask) -> None:
    limits = portal.workflow_tasks.limits
    with card("task-limits", t("Limits"), t("A run stops when one is reached")):
        facts_list([
            (t("Steps"), t("{n} of at most {most}", n=len(task.steps), most=limits.steps)),
            (t("Time"), t("at most {n} min", n=limits.minutes)),
            (t("Tokens"), t("at most {n}", n=count(limits.tokens))),
        ])  # fmt: skip
        st.caption(t("Steps only read. The content of files is treated as data, never as instructions."))


def _result(portal: Portal, user: User, run: Run, results: Mapping[str, StepResult]) -> None:
    ends = last_steps(without_skipped(run.steps, results))
    last = [each for each in ends if each.id in results and results[each.id].state is StepState.DONE]
    if not last or run.state not in (RunState.DONE, RunState.FAILED):
        return
    with card("task-result", t("Result"), t("From {names}", names=plain(listed(each.title for each in last)))):
        if allows(user, Permission.EXPORT):
            with st.container(horizontal=True, gap="xsmall"):
                for format, (name, ending) in _FORMATS.items():
                    if format is ResultFormat.CSV and not any(each.output.rows is not None for each in results.values()):
                        continue
                    st.download_button(
                        name, _content(portal, user, run, format), file_name=f"task.{ending}", icon=":material/download:",
                        key=f"task-export-{format}", on_click="ignore",
                    )  # fmt: skip
        if st.button(t("Go on in a chat"), icon=":material/chat_bubble:", type="tertiary", key="task-chat"):
            opened: list[str] = []
            acted(lambda: opened.append(portal.workflow_results.open_as_chat(user, run.id)))
            if opened:
                frame.open_page(frame.START, **{CONVERSATION: opened[0]})
            st.rerun()


def _content(portal: Portal, user: User, run: Run, format: ResultFormat) -> Callable[[], bytes]:
    return lambda: portal.workflow_results.export(user, run.id, format).content
