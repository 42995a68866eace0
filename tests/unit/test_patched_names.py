"""Check that what tests replace by name exists, since no type checker looks into those strings."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported(tree: ast.Module) -> dict[str, str]:
    """Return the dotted names of what a test file imports at its top, by the name it has there."""
    names = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return names


def replaced(source: str) -> Iterator[tuple[str, str]]:
    """Yield the imported thing and the attribute of each `monkeypatch.setattr(thing, "attribute", ...)`."""
    tree = ast.parse(source)
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr" and len(node.args) == 3:
            target, attribute = node.args[:2]
            raises = not any(word.arg == "raising" for word in node.keywords)
            if isinstance(target, ast.Name) and target.id in names and isinstance(attribute, ast.Constant) and raises:
                yield names[target.id], str(attribute.value)


def resolve(dotted: str) -> object:
    """Return the module, or the attribute of a module, that a dotted name stands for."""
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(module), name)


def missing(source: str) -> list[str]:
    return [f"{thing}.{attribute}" for thing, attribute in replaced(source) if not hasattr(resolve(thing), attribute)]


def test_everything_that_tests_replace_exists() -> None:
    wrong = {str(path.relative_to(TESTS)): names for path in TESTS.rglob("*.py") if (names := missing(path.read_text()))}
    assert wrong == {}


def test_a_name_that_moved_is_found() -> None:
    source = 'from api.portal.knowledge import files\ndef test(monkeypatch):\n    monkeypatch.setattr(files, "quote", None)\n'
    assert missing(source) == ["api.portal.knowledge.files.quote"]
