"""A table in a chat: its size, its columns, and queries by the person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.knowledge.tables.charts import ChartKind
from core.people.records import Role
from pages.widgets.tables.rows import as_csv
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
