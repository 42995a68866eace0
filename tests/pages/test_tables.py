"""A table in a chat: its size, its columns, and queries by the person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.chat.tools.records import ToolStep
from core.errors import StoredError
from core.knowledge.tables.csv_rows import as_csv
from core.knowledge.tables.records import ChartKind
from core.people.records import Role
from tests.pages.drawn import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def dialog(house: House, file_id: str) -> AppTest:
    def page(portal: object, user: object, file_id: object) -> None:
        import streamlit as st

        from pages.widgets.tables.table_dialog import open_tables, table_dialog

        if "opened" not in st.session_state:
            st.session_state["opened"] = True
            open_tables([file_id])
        table_dialog(portal, user)

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(Role.ANALYST), file_id)).run()


def test_a_person_without_sql_picks_a_query_and_one_with_sql_changes_it(house: House) -> None:
    ana = house.person(Role.ANALYST)
    file = house.portal.files.upload(ana, "desks.csv", b"desk,usd\nFX,1\nRates,2\nFX,3\n")
    drawn = dialog(house, file.id)
    assert not drawn.exception and "3 rows, 2 columns" in drawn.markdown[0].value
    assert list(drawn.dataframe[0].value.iloc[:, 0]) == ["desk", "usd"]
    drawn.selectbox(key="ownquery-pick").select("sum").run()
    drawn.selectbox(key="ownquery-by").select("desk").run()
    drawn.button(key="ownquery-ask").click().run()
    assert drawn.dataframe[1].value.values.tolist() == [["FX", 4], ["Rates", 2]]
    assert 'sum("usd")' in drawn.text_area(key="ownquery-sql").value
    drawn.text_area(key="ownquery-sql").set_value("SELECT max(usd) AS most FROM desks")
    drawn.button(key="ownquery-run").click().run()
    assert drawn.dataframe[1].value.values.tolist() == [[3]]
    drawn.text_area(key="ownquery-sql").set_value("DELETE FROM desks")
    drawn.button(key="ownquery-run").click().run()
    assert len(drawn.dataframe) == 1 and any("one SELECT statement" in each.value for each in drawn.markdown)


def test_rows_become_csv_without_formulas_and_charts_have_all_kinds(house: House) -> None:
    ana = house.person(Role.ANALYST)
    file = house.portal.files.upload(ana, "desks.csv", b"desk,usd\n=1+1,1\nRates,2\n")
    found = house.portal.table_queries.run(ana, [file.id], "FROM desks")
    assert as_csv(found).decode("utf-8-sig").splitlines() == ["desk,usd", "'=1+1,1", "Rates,2"]
    assert [each.value for each in ChartKind] == ["bar", "line", "scatter"]


def test_an_answer_shows_its_rows_and_the_number_that_no_cell_holds(house: House) -> None:
    def page(steps: object, text: str) -> None:
        from core.chat.records import Author, Message, MessageStatus
        from pages.widgets.tables.answer_rows import answer_rows

        begun = steps[0].started_at  # type: ignore[index]
        answer_rows(
            Message(
                id="m", conversation_id="c", parent_id=None, author=Author.ASSISTANT, text=text, status=MessageStatus.DONE,
                created_at=begun, steps=steps,  # type: ignore[arg-type]
            ), (),
        )  # fmt: skip

    wrong = step(1, error=StoredError("The query failed: no such column"))
    right = step(2, result="desk,usd\nFX,7.4\nRates,41.2\n(2 rows)")
    drawn = AppTest.from_function(page, default_timeout=60, args=((wrong, right), "FX holds 7.4, which is 92 % of its limit.")).run()
    assert not drawn.exception
    assert drawn.dataframe[0].value.values.tolist() == [["FX", 7.4], ["Rates", 41.2]]
    assert [each.value for each in drawn.markdown] == [":orange[:material/help: No cell holds 92. Check before you use it.]"]
    assert "Corrected once" in drawn.caption[0].value and "no such column" in drawn.caption[0].value


def step(number: int, result: str = "", error: StoredError | None = None) -> ToolStep:
    return ToolStep(
        id=f"s{number}", name="query_tables", title="Query", arguments='{"sql": "SELECT 1"}', round=number, text_at=0, reasoning_at=0,
        started_at=datetime(2026, 11, 29, tzinfo=UTC), seconds=0.1, result=result, error=error,
    )  # fmt: skip
