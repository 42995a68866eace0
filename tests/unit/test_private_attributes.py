"""Tests use public seams. The few private attributes that they still use are named here, each with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
MOST = 20
REASONS = {
    "functional/test_anthropic_client.py": "Anthropic's client shows the request id nowhere else",
    "pages/test_text_of_strangers.py": "Streamlit's AppTest shows menus only in its tree",
    "pages/test_theme.py": "Streamlit has no setting for the theme that it sends; the portal replaces this function, too",
    "security/test_sign_in_work.py": "the hash for names without an account is made once; the test makes it again",
    "unit/api/portal/knowledge/test_files.py": "a served portal has no seam for a slow reader of documents",
    "unit/models/child/test_child_model.py": "sends what no version of the portal sends",
    "unit/models/engine/kv_cache/test_lazy_copies.py": "cuts slots at moments that no request brings about",
    "unit/models/engine/kv_cache/test_offload_files.py": "holds the writing thread at one moment",
    "unit/remote/test_remote_portal.py": "a served portal has no seam for a slow reader of documents",
}


def _private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def _uses(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that use a private attribute of another object, or import a private name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            if any(isinstance(each, ast.Constant) and _private(each.value) for each in node.args[1:2]):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("tests."):
            if any(_private(each.name) for each in node.names):
                yield node.lineno


def test_each_use_of_a_private_attribute_has_its_reason() -> None:
    found: dict[str, list[int]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text("utf-8")
        if re.search(r"\._[a-z]|\"_[a-z]\w*\"|import .*\b_[a-z]", text) and (lines := list(_uses(ast.parse(text)))):
            found[path.relative_to(TESTS).as_posix()] = lines
    assert {name: lines for name, lines in found.items() if name not in REASONS} == {}, "use a public seam, or say why there is none"
    assert set(REASONS) == set(found), "these reasons are no longer needed"
    assert sum(map(len, found.values())) <= MOST
