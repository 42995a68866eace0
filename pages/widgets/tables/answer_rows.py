"""Show the query of an answer, with its rows and chart."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from core.chat.records import Message
from core.chat.tools.records import ToolStep
from core.chat.tools.table_tool import QUERY_TABLES
from core.knowledge.records import StoredFile
from core.knowledge.tables import result_text
from core.knowledge.tables.figures import unfounded
from core.knowledge.tables.records import QueryResult
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.tables.rows import rows
from pages.widgets.tables.table_dialog import open_tables
from pages.widgets.tables.words import query_words


def is_query(step: ToolStep) -> bool:
    """Tell whether a step queried tables."""
    return step.name == QUERY_TABLES


def sql_of(step: ToolStep) -> str:
    """Return the query of a step; its arguments if they hold none."""
    try:
        found = json.loads(step.arguments)
    except (ValueError, RecursionError):
        return step.arguments
    sql = found.get("sql") if isinstance(found, dict) else None
    return sql if isinstance(sql, str) else step.arguments


def query_head(step: ToolStep) -> str:
    """Return "Query, 5 rows in 0.1 s" for a query that has ended."""
    found = _result(step) if step.error is None else None
    return query_words(len(found.rows), found.seconds) if found else t("Query failed")


def _result(step: ToolStep) -> QueryResult | None:
    return result_text.read(step.result, was_cut=step.cut, seconds=step.seconds or 0.0)


def answer_rows(message: Message, files: Sequence[StoredFile]) -> None:
    """Draw the rows of the last query that an answer is based on. files: those that can be queried again."""
    queries = [each for each in message.steps if is_query(each) and each.seconds is not None]
    done = next((each for each in reversed(queries) if each.error is None), None)
    if done is None:
        return
    found = _result(done)
    if found is None:
        return
    results = [each for each in (_result(step) for step in queries if step.error is None) if each is not None]
    with st.container(key=f"answerrows-{message.id}", gap="small"):
        if missing := unfounded(message.text, results):
            words = t("No cell holds {numbers}. Check before you use it.", numbers=plain(listed(missing)))
            st.markdown(f":orange[:material/help: {words}]")
        rows(found, message.id)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if ids := [each.id for each in files if each.tables]:
                st.button(
                    t("Edit and run again"), icon=":material/edit:", type="tertiary", key=f"editquery-{message.id}",
                    on_click=open_tables, args=(ids, sql_of(done)),
                )  # fmt: skip
            if failed := [each for each in queries[: queries.index(done)] if each.error is not None]:
                why = error_text(failed[-1].error) if failed[-1].error else ""
                st.caption(t("Corrected {n} times: {why}", n=len(failed), why=plain(why)))
