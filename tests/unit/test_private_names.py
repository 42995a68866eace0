"""Tests use public names. The remaining uses of private ones are listed here, with their reasons."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
MAX_USES = 20
ALLOWED = {
    "functional/test_anthropic_client.py": (1, "Anthropic's client offers the request's id under a private name only."),
    "pages/test_file_report.py": (1, "AppTest draws a part of a page that has no address of its own."),
    "pages/test_options.py": (1, "Streamlit's lock is held, so that the test tells when reading its options needs it again."),
    "pages/test_text_of_strangers.py": (2, "AppTest hides the messages that a browser would get."),
    "pages/test_theme.py": (4, "The theme replaces a private function of Streamlit; the test tells when that stops to work."),
    "security/test_hostile_words.py": (1, "The check of a backup's name is taken away, so that the test is seen to fail."),
    "security/test_sign_in_work.py": (1, "The hash for unknown names is taken away, so that the test is seen to fail."),
    "unit/api/portal/knowledge/test_files.py": (1, "A portal builds its own reader of documents; this one waits."),
    "unit/remote/test_remote_portal.py": (1, "A portal builds its own reader of documents; this one waits."),
    "unit/models/child/test_child_model.py": (1, "No caller can send a process a message that it does not know."),
    "unit/models/engine/kv_cache/test_lazy_copies.py": (3, "Slots are emptied without an answer that would fill them again."),
    "unit/models/engine/kv_cache/test_offload_files.py": (2, "The writer's own lock keeps it waiting; what it has not written is counted."),
}
"""How many uses a file has, and why."""


def _is_private(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.startswith("_") and not last.startswith("__")


def private_names(tree: ast.AST) -> Iterator[str]:
    """Yield each private name of something else: an attribute, a name to patch, an import from our code."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super"))):
                pass
            case ast.Attribute(attr=name) if _is_private(name):
                yield name
            case ast.Call(args=[ast.Name(id="self"), *_]):
                pass
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr") | ast.Name(id="setattr" | "getattr"), args=args):
                yield from (
                    each.value
                    for each in args
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and _is_private(each.value)
                )
            case ast.ImportFrom(names=names):
                yield from (each.name for each in names if _is_private(each.name))


def test_tests_use_public_names() -> None:
    found = Counter[str]()
    for path in TESTS.rglob("*.py"):
        count = len(list(private_names(ast.parse(path.read_text("utf-8")))))
        if count:
            found[str(path.relative_to(TESTS))] = count
    assert found == {name: count for name, (count, _) in ALLOWED.items()}
    assert found.total() <= MAX_USES
