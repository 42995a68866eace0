"""Help: each role's guide, in both languages, with the words that stand on the pages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role, User
from pages.account import help as guides

CATALOGUE: dict[str, object] = json.loads((guides.DOCS.parent / "pages/shell/catalogues/zh.json").read_text("utf-8"))
PAPERS = [folder / f"{name}.md" for folder in (guides.DOCS, guides.DOCS / "zh") for name in guides.GUIDES]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_guide_names_what_stands_on_the_pages(paper: Path) -> None:
    """What is bold is a word of the pages: a renamed button must be renamed here too."""
    known = {each for each in CATALOGUE.values() if isinstance(each, str)} if paper.parent.name == "zh" else set(CATALOGUE)
    bold = set(re.findall(r"\*\*(.+?)\*\*", paper.read_text("utf-8")))
    assert bold and bold - known == set()


@pytest.mark.parametrize("name", guides.GUIDES)
def test_a_guide_has_the_same_parts_and_pictures_in_both_languages(name: str) -> None:
    english, chinese = ((folder / f"{name}.md").read_text("utf-8") for folder in (guides.DOCS, guides.DOCS / "zh"))
    pictures = [re.findall(r"screens/[\w-]+\.png", text) for text in (english, chinese)]
    assert pictures[0] == pictures[1] and all((guides.DOCS / picture).is_file() for picture in pictures[0])
    assert english.count("\n## ") == chinese.count("\n## ") >= 4
    words = {text: len(re.findall(r"\*\*(.+?)\*\*", text)) for text in (english, chinese)}
    assert words[english] == words[chinese]
    for broken in re.findall(r"\]\(((?!http)[^)#]+)", chinese):
        assert (guides.DOCS / "zh" / broken).exists(), broken


def opened(role: Role, language: str | None = None) -> AppTest:
    def page(user: object) -> None:
        from pages.account import help as guide
        from pages.shell import words

        words.choose(user.language)  # type: ignore[attr-defined]
        guide.render(user)  # type: ignore[arg-type]

    person = User(
        id="1", name="ana", full_name="Ana", role=role, group="", active=True, created_at=datetime.now(UTC), language=language,
    )  # fmt: skip
    return AppTest.from_function(page, default_timeout=60, args=(person,)).run()


@pytest.mark.parametrize(
    ("role", "offered", "first"),
    [
        (Role.ANALYST, ["Asking and analysing", "First steps"], "## Ask about a table"),
        (Role.REVIEWER, ["Reviewing answers", "Asking and analysing", "First steps"], "## Correct an answer"),
        (Role.MANAGER, ["Reading usage and cost", "Asking and analysing", "First steps"], "## Read last month's cost"),
        (Role.ADMIN, [title for title, _ in guides.GUIDES.values()], "## Add a model"),
    ],
)
def test_a_person_opens_the_guide_of_their_role(role: Role, offered: list[str], first: str) -> None:
    drawn = opened(role)
    assert not drawn.exception
    assert drawn.button_group[0].options == offered
    assert any(first in each.value for each in drawn.markdown)
    assert not any("](" in each.value for each in drawn.markdown), "a link into the files of docs/ leads nowhere in the portal"


def test_the_guide_is_there_in_chinese() -> None:
    drawn = opened(Role.ANALYST, "zh")
    assert any("## 就表格提问" in each.value for each in drawn.markdown)


def test_another_guide_can_be_chosen() -> None:
    drawn = opened(Role.ANALYST)
    drawn.button_group[0].set_value("start").run()
    assert any("## Find a chat again" in each.value for each in drawn.markdown)
