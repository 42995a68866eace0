"""The documents match the code."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from core.people.permissions import Permission
from settings import Settings, descriptions, variable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAPERS = [*sorted(ROOT.glob("*.md")), *DOCS.glob("*.md"), *sorted((DOCS / "decisions").glob("*.md"))]
PACKAGES = sorted(
    path.parent
    for room in ("core", "models", "data", "api", "pages", "bootstrap", "cli", "bench", "samples", "demo", "settings", "remote", "plugins")
    for path in (ROOT / room).rglob("__init__.py")
    if "migrations" not in path.parts
)
MAX_MODULES = 12
MAX_LINES = 300
"""Of a module; most have 200."""


def sections(document: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", (DOCS / document).read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_is_described_with_its_default_and_nothing_else_is() -> None:
    described = sections("settings.md")
    assert set(described) == {variable(each.name) for each in fields(Settings)}
    for each in fields(Settings):
        text = described[variable(each.name)]
        shown = {True: "true", False: "false"}[each.default] if isinstance(each.default, bool) else str(each.default)
        assert descriptions()[each.name] in text
        assert f"Default: {f'`{shown}`' if shown else 'empty'}" in text


def test_every_permission_is_described() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    assert [each.value for each in Permission if f"`{each.value}`" not in text] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for document in PAPERS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_every_file_that_a_document_names_exists() -> None:
    rooms = "core|models|data|api|pages|bootstrap|cli|bench|tests|deploy|docs|requirements"
    missing = []
    for document in PAPERS:
        for name in re.findall(rf"`((?:{rooms})/[\w./-]*)`", document.read_text("utf-8")):
            if not (ROOT / name).exists() and not re.search("NAME|AREA|MENU|/X.py", name):
                missing.append(f"{document.name}: {name}")
    assert missing == []


def test_every_decision_has_its_four_parts_and_is_listed_in_order() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:3] for path in decisions] == [f"{number:03}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        parts = re.findall(r"^## (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
        assert parts == ["Context", "Decision", "Measured", "Alternatives"], path
    listed = re.findall(r"\(decisions/([\w-]+\.md)\)", (DOCS / "architecture.md").read_text("utf-8"))
    assert [path.name for path in decisions] == list(dict.fromkeys(listed))


def areas(room: str) -> list[str]:
    return sorted(path.parent.name for path in (ROOT / room).glob("*/__init__.py"))


def test_the_drawing_names_every_area_of_core() -> None:
    drawing = (DOCS / "architecture.svg").read_text("utf-8")
    assert [area for area in areas("core") if not re.search(rf"\b{area}\b", drawing)] == []


@pytest.mark.parametrize("room", ["core", "models", "data", "api"])
def test_the_table_of_areas_has_every_area(room: str) -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith(f"| `{room}/"))
    assert [area for area in areas(room) if f"`{room}/{area}/`" not in rows and f"`{area}/`" not in rows] == []


def modules(package: Path) -> list[str]:
    """Return the modules and packages directly in a package."""
    inside = [path.stem for path in package.glob("*.py") if path.name != "__init__.py"]
    return sorted([*inside, *(path.parent.name for path in package.glob("*/__init__.py"))])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_lists_each_of_its_modules_once(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8"))) or ""
    assert sorted(re.findall(r"^- (\w+): \S", docstring, flags=re.MULTILINE)) == modules(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_holds_few_enough_modules(package: Path) -> None:
    count = len([path for path in package.glob("*.py") if path.name != "__init__.py"])
    assert count <= MAX_MODULES, f"{count} modules: split it by what they are about"


def test_no_module_is_longer_than_one_idea() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for each in PACKAGES for path in each.glob("*.py")}
    assert {path: lines for path, lines in long.items() if lines > MAX_LINES} == {}


def test_every_shot_of_the_screenshots_is_kept() -> None:
    shots = set(re.findall(r'^    "([\w-]+)": Shot\(', (DOCS / "screenshots.py").read_text("utf-8"), flags=re.MULTILINE))
    assert shots <= {path.name.rpartition("-")[0] for path in (DOCS / "screens").glob("*.png")}
