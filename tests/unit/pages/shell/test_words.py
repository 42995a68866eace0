"""Sentences that were kept in English, told again."""

from __future__ import annotations

import pytest

from core.errors import PromptTooLong
from pages.shell import words


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "language", lambda: "zh")


def test_a_kept_sentence_is_told_with_what_it_was_filled_with() -> None:
    error = PromptTooLong(50_215, 1_023)
    assert words.retold(str(error)) == words.said(error)
    assert "50215" in words.retold(str(error)) and not words.retold(str(error)).isascii()


def test_a_number_that_was_written_with_commas_keeps_them() -> None:
    template = "The question has {n:,} characters; at most {limit:,} fit. Shorten it or split it."
    told = words.retold(template.format(n=45_000, limit=32_000))
    assert "45,000" in told and "32,000" in told and "question" not in told


def test_a_sentence_without_fields_and_one_that_nobody_knows() -> None:
    kept = "The model went away in the middle of the answer. The text so far is kept. Try again."
    assert words.retold(kept) == words.t(kept) != kept
    for unknown in ("CUDA error 700", "", "{n} of {} braces {"):
        assert words.retold(unknown) == unknown
