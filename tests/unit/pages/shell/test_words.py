"""Errors that are kept as data, in the reader's language."""

from __future__ import annotations

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
