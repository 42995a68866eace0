from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from cli.commands.benches import find_benches
from cli.paths import REPOSITORY

BENCHES = find_benches()
MODULE = re.compile(r"(bench|cli)(\.[a-z_]+)+")
STARTERS = sorted(path for room in ("bench", "cli", "demo", "tests/functional") for path in (REPOSITORY / room).rglob("*.py"))


def source(module: str) -> Path:
    path = REPOSITORY / module.replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize("name", BENCHES)
def test_a_measurement_says_its_command_and_runs_as_a_module(name: str) -> None:
    text = source(BENCHES[name]).read_text("utf-8")
    head = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
    assert f"`./portal bench {name}" in head
    assert 'if __name__ == "__main__":' in text


def test_every_measurement_is_in_the_list_of_commands_and_nothing_else_is() -> None:
    text = (REPOSITORY / "docs/benchmarks.md").read_text("utf-8").partition("## The commands")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`\./portal bench .+?) \| ", text, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(?:\./portal bench )?(\w+)[^`]*`", row)]
    assert sorted(listed) == sorted(BENCHES)


def test_a_module_that_is_started_by_its_name_exists() -> None:
    missing = []
    for path in STARTERS:
        texts = [each.value for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Constant)]
        modules = [text for text in texts if isinstance(text, str) and MODULE.fullmatch(text) and not text.endswith(".log")]
        missing += [f"{path.name}: {name}" for name in modules if importlib.util.find_spec(name) is None]
    assert missing == []
