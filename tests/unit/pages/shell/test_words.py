"""Texts in the reader's language: sentences of pages, and errors that are kept as data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.errors import PromptTooLong, StoredError
from pages.shell import words


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "language", lambda: "zh")


def test_a_stored_error_is_worded_like_the_error_itself() -> None:
    error = PromptTooLong(50_215, 1_023)
    assert words.said(StoredError.of(error)) == words.said(error)
    assert "50215" in words.said(StoredError.of(error)) and not words.said(error).isascii()


def test_numbers_stay_numbers() -> None:
    assert StoredError.of(PromptTooLong(50_215, 1_023)).params == {"tokens": 50_215, "limit": 1_023}


@pytest.mark.parametrize("sentence", ["CUDA error 700", "", "{n} of {} braces {"])
def test_a_sentence_of_an_older_version_stays_as_it_is(sentence: str) -> None:
    assert words.said(StoredError.kept(sentence)) == sentence == str(StoredError.kept(sentence))


def test_every_sentence_of_a_page_has_its_chinese() -> None:
    missing = [
        f"{path.name}: {node.args[0].value}"
        for path in Path(words.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and isinstance(node.args[0], ast.Constant)
        if node.args[0].value not in words.catalogue("zh")
    ]
    assert missing == []
