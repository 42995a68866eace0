"""The figures of the boards over REST, as JSON and CSV."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from core.usage.sheets.records import TABLES, Board


@pytest.fixture
def max_(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("max")


@pytest.mark.parametrize("name", list(Board))
def test_every_board_has_its_tables_as_json_and_csv(max_: httpx.Client, name: Board) -> None:
    board = max_.get(f"/api/v1/usage/boards/{name}", params={"first": "2026-01-01", "last": "2026-01-14"}).json()
    assert (board["board"], board["first"], board["last"]) == (name, "2026-01-01", "2026-01-14")
    assert tuple(table["name"] for table in board["tables"]) == TABLES[name] and board["figures"]
    for table in board["tables"]:
        assert all(len(row) == len(table["columns"]) for row in table["rows"])
        csv = max_.get(f"/api/v1/usage/boards/{name}/{table['name']}.csv", params={"first": "2026-01-01", "last": "2026-01-14"})
        lines = csv.content.decode("utf-8-sig").splitlines()
        assert lines[0] == ",".join(column["name"] for column in table["columns"]) and len(lines) == 1 + len(table["rows"])


def test_days_that_were_not_counted_are_null_and_not_zero(max_: httpx.Client) -> None:
    board = max_.get("/api/v1/usage/boards/overview", params={"first": "2001-01-01", "last": "2001-01-02"}).json()
    days = next(table for table in board["tables"] if table["name"] == "answers_per_day")
    assert days["rows"] == [["2001-01-01", None, None, None, None], ["2001-01-02", None, None, None, None]]


def test_what_does_not_exist_is_not_found_and_a_wrong_period_is_refused(max_: httpx.Client) -> None:
    assert "overview, adoption" in max_.get("/api/v1/usage/boards/nonsense").json()["error"]["message"]
    assert max_.get("/api/v1/usage/boards/overview/nonsense.csv").status_code == 404
    assert max_.get("/api/v1/usage/boards/overview?first=2026-02-01&last=2026-01-01").status_code == 422
    assert max_.get("/api/v1/usage/boards/overview?first=1999-01-01").status_code == 422
