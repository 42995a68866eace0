"""Selectboxes and multiselects show their options as they are, so an option with Markdown escaped would show the backslashes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "pages"
SHOWN_AS_THEY_ARE = {"selectbox", "multiselect"}


def _escaped(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of fields whose options are escaped, by a lambda or by a function of the same module."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWN_AS_THEY_ARE:
            given = [each.value for each in node.keywords if each.arg == "format_func"] + node.args[3:4]
            for each in given:
                body = functions.get(each.id, each) if isinstance(each, ast.Name) else each
                if any(isinstance(name, ast.Name) and name.id == "plain" for name in ast.walk(body)):
                    yield node.lineno


@pytest.mark.parametrize("path", sorted(PAGES.rglob("*.py")), ids=lambda path: str(path.relative_to(PAGES)))
def test_options_are_not_escaped(path: Path) -> None:
    assert list(_escaped(ast.parse(path.read_text("utf-8")))) == []
