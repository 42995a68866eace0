"""Imports run one way: pages, api -> core <- models, data. bootstrap imports all."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "models", "data", "api", "pages", "cli")
TOP = ("settings", "bootstrap", "storekeeping", "store_parts", "model_parts", "app", "Home")

MAY_IMPORT = {
    "core": {"core"},
    "models": {"models", "core"},
    "data": {"data", "core"},
    "api": {"api", "core", "bootstrap"},
    "pages": {"pages", "core", "bootstrap"},
    "settings": {"core"},
    "store_parts": {"core", "data", "settings"},
    "model_parts": {"core", "models", "settings"},
    "bootstrap": {"core", "models", "data", "settings", "store_parts", "model_parts"},
    "storekeeping": {"core", "data", "settings", "store_parts"},
    "app": {"api", "bootstrap", "core", "pages"},
    "Home": {"pages", "bootstrap", "core"},
    "cli": {"cli", "core", "settings", "bootstrap", "storekeeping", "store_parts", "model_parts", "app"},
}
"""Of our own rooms. api and pages take the Portal from bootstrap and build nothing. cli serves app."""

ONLY_IN = {
    "streamlit": {"pages", "app", "Home"},
    "streamlit_authenticator": {"pages", "app", "Home"},
    "sqlalchemy": {"data"},
    "alembic": {"data"},
    "elasticsearch": {"data"},
    "pypdf": {"data"},
    "llama_cpp": {"models"},
}

BEFORE_THE_ENVIRONMENT = (
    *("main", "install", "places", "progress", "system_packages", "python_packages"),
    *("engine", "engine_build", "doctor", "finding", "checks", "cures"),
)
"""Modules of cli that run before anything is installed."""
SHARED_WITH_THE_COMMAND = "models.machine_trial"
"""The ladder of trials, which the command walks before anything is installed and the portal at its start."""


def _files() -> list[Path]:
    files = [ROOT / f"{name}.py" for name in TOP] + [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [path for path in files if path.exists()]


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    """Full names of all modules the file imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room = _room(path)
    for name in _imported(path):
        top = name.partition(".")[0]
        if top in MAY_IMPORT and not (room == "cli" and name == SHARED_WITH_THE_COMMAND):
            assert top in MAY_IMPORT[room], f"{room} imports {name}"
        if top in ONLY_IN:
            assert room in ONLY_IN[top], f"{room} imports {name}"
        if room == "core" and top != "core":
            assert top in sys.stdlib_module_names, f"core imports {name}"


@pytest.mark.parametrize("module", BEFORE_THE_ENVIRONMENT)
def test_the_command_starts_with_the_standard_library_alone(module: str) -> None:
    for name in _imported(ROOT / "cli" / f"{module}.py"):
        top, _, rest = name.partition(".")
        if top == "cli":
            assert not rest or rest in BEFORE_THE_ENVIRONMENT, f"cli.{module} imports {name}"
        else:
            shared = top == "core" or name == SHARED_WITH_THE_COMMAND
            assert shared or top in sys.stdlib_module_names, f"cli.{module} imports {name}"


def test_what_the_portal_shares_with_the_command_needs_the_standard_library_alone() -> None:
    for name in _imported(ROOT / f"{SHARED_WITH_THE_COMMAND.replace('.', '/')}.py"):
        assert name.partition(".")[0] in sys.stdlib_module_names, f"{SHARED_WITH_THE_COMMAND} imports {name}"


def test_every_room_is_looked_at() -> None:
    assert {_room(path) for path in _files()} >= {"core", "models", "data", "api", "pages", "cli", "settings", "bootstrap"}
