"""Streamlit's own words in the reader's language: static/words.js puts them where Streamlit draws the English ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit

from pages.shell.browser import streamlit_words
from pages.shell.words import LANGUAGES

BLANK = "{}"
OF_ITS_PARTS = {"option. Remove an option first.", "options. Remove an option first.", "Upload or drag and drop files"}
"""Streamlit puts these together from parts."""


@pytest.fixture(scope="module")
def shipped() -> str:
    scripts = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob("*.js")
    return "\n".join(script.read_text("utf-8") for script in scripts)


def entries(language: str) -> list[tuple[str, str]]:
    return [(english.removeprefix("@"), own) for words in streamlit_words(language).values() for english, own in words.items()]


def test_english_needs_no_translation() -> None:
    assert streamlit_words("en") == {}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_word_is_translated_with_its_blanks(language: str) -> None:
    found = entries(language)
    assert found
    assert [own for english, own in found if own.isascii() or own.count(BLANK) != english.count(BLANK)] == []


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_streamlit_still_has_each_word(language: str, shipped: str) -> None:
    """Another release may say it in other words; its English would come back."""
    parts = {part.strip() for english, _ in entries(language) for part in english.split(BLANK)} - {""}
    assert sorted(part for part in parts - OF_ITS_PARTS if part not in shipped) == []


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_streamlit_still_has_each_place(language: str, shipped: str) -> None:
    places = {place for selector in streamlit_words(language) for place in re.findall(r"data-testid='(\w+)'", selector)}
    assert sorted(place for place in places if place not in shipped) == []
