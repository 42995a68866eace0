"""The documents say what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from core.people.permissions import Permission
from settings import Settings, descriptions, variable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


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
    for document in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []
