"""Translate the interface: every text goes through `t`. The English sentence is the key."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from core.errors import PortalError, StoredError

CATALOGUES = Path(__file__).parent / "catalogues"
LANGUAGES = {"en": "English", "zh": "中文"}
_CHOSEN = "language"


def language() -> str:
    """Return the user's language, else the browser's, else English."""
    chosen = st.session_state.get(_CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def choose(language: str | None) -> None:
    """Use this language for the rest of the session; None uses the browser's."""
    st.session_state[_CHOSEN] = language


def t(sentence: str, /, **fields: object) -> str:
    """Return the sentence in the user's language with its {fields} filled in. `n` selects the plural form."""
    entry = catalogue(language()).get(sentence, sentence)
    if isinstance(entry, dict):
        entry = entry["one" if fields.get("n") == 1 else "other"]
    return entry.format(**fields) if fields else entry


def said(error: PortalError | StoredError) -> str:
    """Return the error message in the user's language."""
    return t(error.template, **error.params)


@cache
def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """Return the translation of each sentence, or its plural forms {"one", "other"}."""
    entries: dict[str, str | dict[str, str]] = json.loads((CATALOGUES / f"{language}.json").read_text("utf-8"))
    return entries
