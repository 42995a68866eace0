"""Records with more than three fields are built by keyword, so that a reader sees which value is which."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.unit.test_import_direction import IMPORTS, MODULES

MAX_IN_ORDER = 2
"""Values that may be given without their names, as in ChatMessage("user", text)."""
NOT_YET = ("models.child.", "models.engine.")
"""Modules that still build them in order."""
TREES = {module: ast.parse(path.read_text("utf-8")) for module, path in MODULES.items()}


def _records() -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every dataclass with more than three fields."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list):
                if sum(isinstance(each, ast.AnnAssign) for each in node.body) > 3:
                    yield module, node.name


RECORDS = set(_records())


def _built_in_order(module: str) -> Iterator[str]:
    """Yield the calls in a module that build a record from values in order, or from a whole row."""
    known = {name for home, name in RECORDS if home == module or home in IMPORTS[module]}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            if len(node.args) > MAX_IN_ORDER or any(isinstance(each, ast.Starred) for each in node.args):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("module", sorted(name for name in MODULES if not name.startswith(NOT_YET)))
def test_long_records_are_built_by_keyword(module: str) -> None:
    assert list(_built_in_order(module)) == []
