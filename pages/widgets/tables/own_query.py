"""Let a person query tables: by picking a question, or with SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.knowledge.records import StoredFile
from core.knowledge.tables.ready import Pick, picked
from core.knowledge.tables.records import ColumnKind, Table
from core.people.records import User
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.tables.rows import rows
from pages.widgets.tables.words import query_words

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SQL, RESULT, PROBLEM = "ownquery-sql", "ownquery-result", "ownquery-problem"
"""Session keys: the query in the box, the rows of the last one, and why it failed."""
_PICKS = {
    Pick.ROWS: "Show the first rows",
    Pick.COUNT: "Count the rows",
    Pick.SUM: "Add up a column",
    Pick.AVERAGE: "Average of a column",
    Pick.TOP: "Ten largest values",
}
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.NUMBER)


def own_query(portal: Portal, user: User, files: Sequence[StoredFile]) -> None:
    """Draw the choices, the box with the query, and its rows."""
    tables = [table for file in files for table in file.tables]
    ids = [file.id for file in files]
    _choices(portal, user, ids, tables)
    st.text_area(t("SQL"), key=SQL, height=130)

    @callback
    def run() -> None:
        _run(portal, user, ids, st.session_state.get(SQL, ""))

    st.button(t("Run query"), icon=":material/play_arrow:", type="primary", key="ownquery-run", on_click=run)
    if problem := st.session_state.get(PROBLEM):
        st.markdown(f":red[{plain(problem)}]")
    elif (result := st.session_state.get(RESULT)) is not None:
        st.caption(query_words(len(result.rows), result.seconds))
        rows(result, "own")


def forget() -> None:
    """Forget the query and its rows."""
    for key in (SQL, RESULT, PROBLEM):
        st.session_state.pop(key, None)


def _choices(portal: Portal, user: User, ids: Sequence[str], tables: Sequence[Table]) -> None:
    """Draw what to ask without SQL: what, of which column, by which."""
    by_name = {each.name: each for each in tables}
    name = tables[0].name
    if len(tables) > 1:
        name = st.selectbox(t("Table"), list(by_name), key="ownquery-of") or name
    table = by_name.get(name, tables[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        pick = st.selectbox(t("Question"), list(Pick), format_func=lambda each: t(_PICKS[each]), key="ownquery-pick") or Pick.ROWS
        numbers = [each.name for each in table.columns if each.kind in _NUMBERS]
        column = by = ""
        if pick in (Pick.SUM, Pick.AVERAGE):
            column = st.selectbox(t("Column"), numbers, key="ownquery-column") or ""
        elif pick is Pick.TOP:
            column = st.selectbox(t("Column"), [each.name for each in table.columns], key="ownquery-any") or ""
        if pick in (Pick.COUNT, Pick.SUM, Pick.AVERAGE):
            names = [each.name for each in table.columns]
            by = st.selectbox(t("For each"), names, index=None, placeholder=t("The whole table"), key="ownquery-by") or ""
        usable = bool(column) or pick in (Pick.ROWS, Pick.COUNT)

        @callback
        def ask() -> None:
            st.session_state[SQL] = picked(table, pick, column, by)
            _run(portal, user, ids, st.session_state[SQL])

        st.button(t("Show"), key="ownquery-ask", on_click=ask, disabled=not usable)


def _run(portal: Portal, user: User, ids: Sequence[str], sql: str) -> None:
    st.session_state.pop(PROBLEM, None)
    st.session_state.pop(RESULT, None)
    try:
        st.session_state[RESULT] = portal.table_queries.run(user, ids, sql)
    except PortalError as problem:
        st.session_state[PROBLEM] = error_text(problem)
