"""Numbers of an answer are compared with the cells of its rows."""

from __future__ import annotations

import pytest

from core.knowledge.tables.figures import unfounded
from core.knowledge.tables.records import ColumnKind, QueryResult, ResultColumn

ROWS = (("Rates", 41.2, 45, -3.8, "2026-11-27"), ("Credit", 18.7512, 18, 0.75, "2026-11-23"), ("Q3 of 7", 1204.5, 1234567, None, None))
RESULT = QueryResult(
    columns=tuple(ResultColumn(name=name, kind=ColumnKind.TEXT) for name in "abcde"), rows=ROWS, more=False, seconds=0.0
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rates holds 41.2 of 45, and has 3.80 left.", ()),
        ("Rates has used 92 % of it.", ("92",)),
        ("Credit holds 18.75, or 18.8, or 19 million.", ()),
        ("Credit holds 18.74.", ("18.74",)),
        ("In all 1,204.5 or 1204,5 or 1.204,5, of 1,234,567 and 1.234.567 and 1'234'567.", ()),
        ("That is −3.8 or -3.8.", ()),
        ("Three rows: 3. The group has 7.", ()),
        ("On 2026-11-27, not on 2026-11-28.", ("2026-11-28",)),
        ("1. Rates\n2. Credit\n", ()),
        ("`SELECT 99` and\n```\n98\n```\n", ()),
        ("v2 and x86 and 5th are no figures.", ()),
        ("1,20,4 is no number here, but 12.", ("1,20,4", "12")),
        ("12 and 12 and 13", ("12", "13")),
        ("", ()),
    ],
)
def test_numbers_that_no_cell_holds_are_found(text: str, expected: tuple[str, ...]) -> None:
    assert unfounded(text, [RESULT]) == expected
