"""Draw the result of one step: text, rows, chart or boxes, and what was asked for it."""

from __future__ import annotations

import streamlit as st

from core.knowledge.tables.charts import drawn_rows
from core.workflows.records import Output, Step, StepKind, StepResult, StepState
from core.workflows.steps.charting import chart_to_draw
from pages.shell.words import t
from pages.widgets.chat.message import plain, show
from pages.widgets.tables.rows import rows
from pages.widgets.tasks.words import took

MAX_SHOWN = 4_000
_ASKED = {StepKind.QUERY: "SQL", StepKind.SEARCH: "Words", StepKind.BOXES: "Phrases", StepKind.WRITE: "Prompt"}


def summary(result: StepResult) -> str:
    """Return one line: how many rows, characters or boxes, and what that took."""
    output = result.output
    facts = []
    if output.boxes:
        facts.append(t("{n} boxes", n=len(output.boxes)))
    elif output.rows is not None:
        facts += [t("{n} rows", n=len(output.rows.rows)), t("{n} columns", n=len(output.rows.columns))]
    elif output.text:
        facts.append(t("{n} characters", n=len(output.text)))
    return " · ".join([*facts, *filter(None, [took(result)])])


def step_result(step: Step, result: StepResult) -> None:
    """Draw a result that is done, or what a failed step asked."""
    key = f"task-{step.id}-{result.made_of[:8]}"
    if result.state is StepState.DONE:
        _output(step, result.output, key)
    if result.asked and step.kind in _ASKED:
        with st.expander(t(_ASKED[step.kind])):
            st.code(result.asked[:20_000], language="sql" if step.kind is StepKind.QUERY else None, wrap_lines=True)


def _output(step: Step, output: Output, key: str) -> None:
    if output.chart is not None and output.rows is not None:
        from pages.widgets.tables.figure import figure, show_figure  # Plotly takes memory: the first chart loads it.

        chart = chart_to_draw(output.chart, output.rows)
        shown = drawn_rows(output.rows, chart, output.chart.kind)
        show_figure(figure(output.rows, chart, output.chart.kind, shown), f"figure-{key}", plain(step.title))
    elif output.rows is not None:
        if output.rows.rows:
            rows(output.rows, key, charts=False)
        else:
            st.caption(t("No rows."))
    elif output.text:
        if step.kind is StepKind.READ:
            st.code(output.text[:MAX_SHOWN], language=None, wrap_lines=True)
            if len(output.text) > MAX_SHOWN:
                st.caption(t("Only the beginning is shown."))
        else:
            show(output.text)
    if output.was_cut:
        st.caption(t("The inputs were longer than the model has room for, so their ends are missing."))
