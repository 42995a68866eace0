"""The translation layer: every string of the interface goes through `t`. The English sentence is the key."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import streamlit as st

from core.errors import PortalError, StoredError

CATALOGUES = Path(__file__).parent / "catalogues"
LANGUAGES = {"en": "English", "zh": "中文"}
_CHOSEN = "language"
_FIELD = re.compile(r"\{(\w+)[^{}]*\}")


def language() -> str:
    """The person's choice, else what the browser asks for, else English."""
    chosen = st.session_state.get(_CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def choose(language: str | None) -> None:
    """Use this language for the rest of the session; None follows the browser."""
    st.session_state[_CHOSEN] = language


def t(sentence: str, /, **fields: object) -> str:
    """The sentence in the person's language, its {fields} filled. `n` chooses the plural form."""
    entry = catalogue(language()).get(sentence, sentence)
    if isinstance(entry, dict):
        entry = entry["one" if fields.get("n") == 1 else "other"]
    return entry.format(**fields) if fields else entry


def said(error: PortalError | StoredError) -> str:
    """The error's sentence in the person's language."""
    return t(error.template, **error.params)


def retold(sentence: str) -> str:
    """A sentence of an error that was kept in English, its fields filled: in the person's language, where its template is known."""
    for pattern, entry in _templates(language()):
        if found := pattern.fullmatch(sentence):
            return entry.format(**found.groupdict())
    return t(sentence)


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """What the sentences with fields look like once filled, and their translations; those with the most words of their own first."""
    found = []
    for sentence, entry in catalogue(language).items():
        pieces = _FIELD.split(sentence)
        if len(pieces) > 1 and isinstance(entry, str) and sentence.endswith("."):
            seen: set[str] = set()
            pattern = ""
            for place, piece in enumerate(pieces):
                pattern += re.escape(piece) if place % 2 == 0 else f"(?P={piece})" if piece in seen else f"(?P<{piece}>.+?)"
                seen |= {piece} if place % 2 else set()
            # What was filled in is text by now, with its commas and digits.
            found.append((sum(map(len, pieces[::2])), re.compile(pattern, re.DOTALL), _FIELD.sub(r"{\1}", entry)))
    return [each[1:] for each in sorted(found, key=lambda each: -each[0])]


@cache
def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """Sentence -> translation, or its plural forms {"one", "other"}."""
    entries: dict[str, str | dict[str, str]] = json.loads((CATALOGUES / f"{language}.json").read_text("utf-8"))
    return entries
