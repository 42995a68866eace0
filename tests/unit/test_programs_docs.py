"""docs/programs.md shows the programs that tests/functional/test_programs.py runs, and their versions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "programs"
DOCS = (ROOT / "docs" / "programs.md").read_text("utf-8")
FILES = sorted(path for path in PROGRAMS.iterdir() if path.suffix in (".py", ".mjs", ".sh") and path.stem != "__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_program_is_shown_as_it_runs(path: Path) -> None:
    [shown] = re.findall(r"^(?:#|//) docs\n(.*?)^(?:#|//) end of docs\n", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert shown.rstrip() in DOCS


def test_no_other_program_is_shown() -> None:
    assert len(re.findall(r"^```(?:python|js|bash)$", DOCS, re.MULTILINE)) == len(FILES)


def test_the_versions_are_those_of_the_locks() -> None:
    told = dict(re.findall(r"^\| `([^`]+)`(?: \(\w+\))? \| ([\w.]+) \|$", DOCS.replace("`openai` (npm)", "`openai-npm`"), re.MULTILINE))
    packages = json.loads((PROGRAMS / "package.json").read_text("utf-8"))["dependencies"]
    packages["openai-npm"] = packages.pop("openai")
    del packages["zod"]
    lists = "".join((ROOT / "requirements" / name).read_text("utf-8") for name in ("clients.in", "clients-older.in"))
    pinned = dict(re.findall(r"^([\w-]+(?:\[\w+\])?)==([\w.]+)$", lists, re.MULTILINE))
    locked = dict(re.findall(r"^(openai|anthropic)==([\w.]+)", (ROOT / "requirements" / "dev.txt").read_text("utf-8"), re.MULTILINE))
    assert told == {**packages, **pinned, **locked}
