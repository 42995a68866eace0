"""The tools that the model called for an answer, folded: name, arguments, result, time and error of each."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from core.chat.tools.records import Approval, ToolStep
from core.sharing.records import SharedStep
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.answers.answer_figures import short_seconds
from pages.widgets.chat.message import plain
from pages.widgets.tables.answer_rows import is_query, query_head, sql_of

MAX_SHOWN = 4_000
"""Characters of a result that are shown; the model may have read more."""


def tool_steps(steps: Sequence[ToolStep], key: str, *, running: bool = False) -> None:
    """Draw the steps of an answer in one line that unfolds. running: whether the last one may still run.

    A step that waits for the person is drawn by step_request.
    """
    if running:
        steps = [each for each in steps if not each.waits]
    if not steps:
        return
    with st.container(key=f"steps-{key}"), st.expander(_head(steps, running=running), type="compact"):
        for step in steps:
            busy = running and step.seconds is None
            ran = step.seconds is not None and step.approval is not Approval.REFUSED
            seconds = f" :gray[· {t('{seconds} s', seconds=short_seconds(step.seconds or 0))}]" if ran else ""
            st.markdown(f"{_icon(step, busy=busy)} **{plain(t(step.title))}**{seconds}")
            _code(*((sql_of(step), "sql") if is_query(step) else (_readable(step.arguments), "json")))
            if step.approval is Approval.REFUSED and step.error is not None:
                st.markdown(f":gray[{plain(error_text(step.error))}]")
            elif step.error is not None:
                st.markdown(f":red[{plain(error_text(step.error))}]")
            elif step.result:
                _code(step.result, None)
                if step.cut:
                    st.caption(t("The model read only this beginning of the result: there was no room for more."))
            elif not busy and step.waits:
                st.markdown(f":gray[{t('The portal stopped before you decided. The tool was not called.')}]")
            elif not busy and step.seconds is None:
                st.markdown(f":gray[{t('The portal stopped before the tool returned.')}]")


def _icon(step: ToolStep, *, busy: bool) -> str:
    if busy:
        return ":material/progress_activity:"
    if step.approval is Approval.REFUSED:
        return ":gray[:material/block:]"
    if step.seconds is None:
        return ":gray[:material/pending:]"
    return ":red[:material/error:]" if step.error else ":material/check:"


def shared_steps(steps: Sequence[SharedStep], key: str) -> None:
    """Draw the steps of a shared answer, which have no results."""
    if not steps:
        return
    with st.container(key=f"steps-{key}"), st.expander(_used([t(each.title) for each in steps]), type="compact"):
        for step in steps:
            seconds = "" if step.seconds is None else f" :gray[· {t('{seconds} s', seconds=short_seconds(step.seconds))}]"
            icon = ":red[:material/error:]" if step.failed else ":material/check:"
            st.markdown(f"{icon} **{plain(t(step.title))}**{seconds}")
            _code(_readable(step.arguments), "json")
        st.caption(t("Results of tools are not shared: they may quote what only the owner may read."))


def _head(steps: Sequence[ToolStep], *, running: bool) -> str:
    if running and steps[-1].seconds is None:
        return f":material/build: {t('Using {tool}', tool=plain(t(steps[-1].title)))}"
    if all(map(is_query, steps)) and steps[-1].seconds is not None:
        return f":material/database: {query_head(steps[-1])}"
    return _used([t(each.title) for each in steps])


def _used(titles: Sequence[str]) -> str:
    names = list(dict.fromkeys(titles))
    used = listed(map(plain, names[:3])) + ("…" if len(names) > 3 else "")
    return f":material/build: {t('{n} tool calls', n=len(titles))} :gray[· {used}]"


def _code(text: str, language: str | None) -> None:
    """Draw text as code: nothing in it is formatted, loaded or run."""
    st.code(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…", language=language, wrap_lines=True)


def _readable(arguments: str) -> str:
    """Return arguments on several lines if they are JSON."""
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return arguments
