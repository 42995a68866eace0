"""Every module that a bench, a command or a test starts as a program is there: a moved module would only show when someone starts it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_STARTED = re.compile(r"""module=\("([a-z_.]+)"|"-m", "((?:bench|cli|data|demo|models|samples|tests)\.[a-z_.]+)""")


def started() -> list[str]:
    files = [file for folder in ("bench", "cli", "demo", "models", "samples", "tests") for file in sorted((ROOT / folder).rglob("*.py"))]
    found = (match for file in files if file != Path(__file__) for match in _STARTED.finditer(file.read_text("utf-8")))
    return sorted({match[1] or match[2] for match in found})


@pytest.mark.parametrize("name", started())
def test_a_module_that_is_started_by_its_name_exists(name: str) -> None:
    assert importlib.util.find_spec(name) is not None
