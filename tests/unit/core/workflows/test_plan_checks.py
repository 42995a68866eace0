"""A plan is refused with a sentence that names the step and says what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import InvalidInput
from core.workflows.plan_checks import check_steps, depending, last_steps
from core.workflows.steps.sql import is_sql, statement_in
from core.workflows.steps_json import read, written
from tests.unit.core.workflows.conftest import IMAGE, QUERY, TABLE, TEXT, step, steps

FILES = (TABLE, TEXT, IMAGE)
GOOD = (
    step("s1", "query", QUERY, "file1"),
    step("s2", "chart", "", "s1", chart="line", x="desk", y=["usd"]),
    step("s3", "read", "", "file2"),
    step("s4", "ask", "Which quarter?"),
    step("s5", "write", "Two sentences.", "s1", "s3", "s4"),
    step("s6", "boxes", "a cat\na dog", "file3"),
    step("s7", "search", "fx note"),
)


def test_a_good_plan_passes_and_survives_its_json() -> None:
    found = steps(*GOOD)
    check_steps(found, FILES, 20)
    assert read(written(found)) == found


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "at least one step"),
        ([step("s1", "read", "", "file2")] * 2, "Steps 1 and 2 have the same id"),
        ([step("x", "ask", "?")], "The id of step 1"),
        ([step("s1", "query", "", "file1")], "Step 1 needs SQL"),
        ([step("s1", "query", QUERY)], "Step 1 needs a table"),
        ([step("s1", "query", QUERY, "file2")], "queries note.txt, which has no table"),
        ([step("s1", "query", QUERY, "file9")], "reads file9, but the task has no file of that number"),
        ([step("s1", "write", "x", "s9")], "reads s9, which is no step"),
        ([step("s1", "write", "x", "s1")], "reads its own result"),
        ([step("s1", "write", "x", "s2"), step("s2", "ask", "?")], "Step 1 reads the result of step 2, which comes later"),
        ([step("s1", "write", "x", "s2"), step("s2", "write", "x", "s1")], "Steps 1 and 2 wait for each other"),
        ([step("s1", "write", "x", "s3"), step("s2", "write", "x", "s1"), step("s3", "write", "x", "s2")], "wait for each other"),
        ([step("s1", "write", "x", "file2", "file2")], "names an input twice"),
        ([step("s1", "write", "x", "file3")], "reads x.png, an image"),
        ([step("s1", "chart", "", "file1")], "needs one step with rows"),
        ([step("s1", "write", "x"), step("s2", "chart", "", "s1")], "Step 2 needs one step with rows"),
        ([step("s1", "write", "x"), step("s2", "query", QUERY, "s1")], "Step 2 can query files, and steps that give rows"),
        ([step("s1", "read", "", "file3")], "needs one document"),
        ([step("s1", "boxes", "cat", "file2")], "needs one image"),
        ([step("s1", "ask", "?", "file1")], "Step 1 reads nothing"),
        ([step("s1", "write", " \n")], "says what to write"),
        ([step("s1", "write", "x" * 8_001)], "at most 8,000 characters"),
        ([{**step("s1", "ask", "?"), "title": " "}], "needs a title"),
        ([step(f"s{n}", "ask", "?") for n in range(1, 22)], "has 21 steps; a run can have at most 20"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_run_is_refused(wrong: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(InvalidInput, match=says.replace("?", "\\?")):
        check_steps(steps(*wrong), FILES, 20)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("steps", "must be a list"),
        ([5], "Step 1 must be an object"),
        ([step("s1", "email", "x")], "unknown kind email. Use one of: query, search"),
        ([step("s1", "chart", "", "s0", chart="pie")], "unknown kind pie"),
        ([step("s1", "ask", "?", colour="red")], "unknown field colour"),
        ([{**step("s1", "ask", "?"), "text": 5}], "text of step 1 must be a text"),
        ([{**step("s1", "ask", "?"), "inputs": "file1"}], "inputs of step 1 must be a list"),
    ],
)
def test_json_that_is_no_plan_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read(wrong)


def test_the_result_is_what_no_other_step_reads() -> None:
    assert [each.id for each in last_steps(steps(*GOOD))] == ["s2", "s5", "s6", "s7"]


def test_a_change_reaches_the_steps_that_read_it_through_others() -> None:
    found = steps(step("s1", "ask", "?"), step("s2", "write", "x", "s1"), step("s3", "write", "x"), step("s4", "write", "x", "s2"))
    assert depending(found, {"s1"}) == {"s1", "s2", "s4"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("  select 1", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("With the months below budget", False),
        ("Sales by desk", False),
    ],
)
def test_sql_is_told_from_words(text: str, is_one: bool) -> None:
    assert is_sql(text) is is_one


def test_the_statement_is_taken_out_of_its_fence() -> None:
    assert statement_in("Here it is:\n```sql\nSELECT 1;\n```\nDone.") == "SELECT 1"
