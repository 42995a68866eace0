"""Every placeholder of a sentence that is written as a template is given a value where the sentence is raised or shown."""

from __future__ import annotations

import ast
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "bootstrap", "cli", "core", "data", "models", "pages", "plugins", "remote", "settings")


def sentences(tree: ast.AST) -> list[tuple[int, set[str], set[str]]]:
    """Return the line, the placeholders and the given names of each error, and of each text that pages translate."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not node.keywords or any(each.arg is None for each in node.keywords):
            continue
        name, first = ast.unparse(node.func).rpartition(".")[2], node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and (name[:1].isupper() or name == "t"):
            placeholders = {each[1].partition(".")[0].partition("[")[0] for each in Formatter().parse(first.value) if each[1] is not None}
            found.append((node.lineno, placeholders, {str(each.arg) for each in node.keywords}))
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_placeholder_has_a_value(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} lacks {', '.join(sorted(wanted - given))}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, wanted, given in sentences(ast.parse(path.read_text("utf-8")))
        if not wanted <= given
    ]
    assert not wrong


def test_a_placeholder_without_a_value_is_found() -> None:
    ((line, wanted, given),) = sentences(ast.parse("\nraise NotFound('No {what} is named {name}.', what='model')"))
    assert (line, wanted - given) == (2, {"name"})
