"""Texts in the reader's language: sentences of pages, and errors that are kept as data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.errors import PromptTooLong, StoredError
from pages.shell import words
from pages.widgets.chat.sidebar import export_dialog


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "language", lambda: "zh")


def test_a_stored_error_is_worded_like_the_error_itself() -> None:
    error = PromptTooLong(50_215, 1_023)
    assert words.error_text(StoredError.of(error)) == words.error_text(error)
    assert "50215" in words.error_text(StoredError.of(error)) and not words.error_text(error).isascii()


def test_numbers_stay_numbers() -> None:
    assert StoredError.of(PromptTooLong(50_215, 1_023)).params == {"tokens": 50_215, "limit": 1_023}


@pytest.mark.parametrize("sentence", ["CUDA error 700", "", "{n} of {} braces {"])
def test_a_sentence_of_an_older_version_stays_as_it_is(sentence: str) -> None:
    assert words.error_text(StoredError.of_text(sentence)) == sentence == str(StoredError.of_text(sentence))


def test_every_sentence_of_a_page_has_its_chinese() -> None:
    missing = [
        f"{path.name}: {node.args[0].value}"
        for path in Path(words.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and isinstance(node.args[0], ast.Constant)
        if node.args[0].value not in words.catalogue("zh")
    ]
    assert missing == []


def test_the_sentences_of_the_portals_own_plugins_are_translated() -> None:
    refusals = {
        node.args[0].value if isinstance(node.args[0], ast.Constant) else constants[node.args[0].id]  # type: ignore[attr-defined]
        for path in (Path(words.__file__).parents[2] / "plugins").rglob("*.py")
        for tree in [ast.parse(path.read_text("utf-8"))]
        for constants in [{
            each.targets[0].id: each.value.value  # type: ignore[attr-defined]
            for each in tree.body if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
        }]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "PluginRefusal"
    }  # fmt: skip
    assert refusals == set(words.OWN_SENTENCES)
    for each in refusals:
        assert not words.error_text(StoredError.of_text(each)).isascii()


def test_every_error_of_an_export_has_its_chinese() -> None:
    assert [each for each in export_dialog.ERRORS if each not in words.catalogue("zh")] == []
