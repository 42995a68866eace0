"""A field without a choice says in the person's language what to choose. Streamlit's own words are English."""

from __future__ import annotations

import ast
from pathlib import Path

PAGES = Path(__file__).parents[3] / "pages"
STARTS_EMPTY = 2
"""Position of a select box's index among its arguments."""


def _starts_empty(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "multiselect":
        return True
    given = [each.value for each in call.keywords if each.arg == "index"] or call.args[STARTS_EMPTY : STARTS_EMPTY + 1]
    branches = [part for value in given for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])]
    return any(isinstance(part, ast.Constant) and part.value is None for part in branches)


def test_every_field_that_starts_empty_says_what_to_choose() -> None:
    calls = [
        (path, node)
        for path in sorted(PAGES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"selectbox", "multiselect"}
    ]
    assert len(calls) > 50
    silent = [
        f"{path.relative_to(PAGES)}:{node.lineno}"
        for path, node in calls
        if _starts_empty(node) and not any(each.arg in {"placeholder", None} for each in node.keywords)
    ]
    assert silent == [], "\n".join(silent)
