"""List the tables of a question, a line each, which opens what the file holds."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.knowledge.records import StoredFile
from pages.widgets.chat.message import plain
from pages.widgets.tables.table_dialog import open_tables
from pages.widgets.tables.words import size_of_file


def table_lines(files: Iterable[StoredFile], answer_id: str) -> None:
    """Draw a line for each file with tables: its name, rows and columns."""
    for file in files:
        if file.tables:
            st.button(
                f"{plain(file.name)}: {size_of_file(file)}", icon=":material/table:", type="tertiary",
                key=f"tableline-{answer_id}-{file.id}", on_click=open_tables, args=((file.id,),),
            )  # fmt: skip


def held_table(file: StoredFile) -> None:
    """Draw the size of a table that is attached to the next question."""
    if file.tables:
        st.button(
            size_of_file(file), icon=":material/table:", key=f"heldtable-{file.id}", type="tertiary",
            on_click=open_tables, args=((file.id,),),
        )  # fmt: skip
