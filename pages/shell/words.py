"""Translate the interface: every text goes through `t`. The English sentence is the key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import streamlit as st

from core.errors import PortalError, StoredError

CATALOGUES = Path(__file__).parent / "catalogues"
LANGUAGES = {"en": "English", "zh": "中文"}
_CHOSEN = "language"
OWN_SENTENCES = (
    "There is no chat with this id.",
    "The server has no font for PDF files. Ask an admin to install fonts-noto-cjk, or to name a font file in PORTAL_PDF_FONT.",
    "This chat has Chinese, Japanese or Korean characters, and the server has no font with them. Ask an admin to install fonts-noto-cjk, "
    "or to name a font file in PORTAL_PDF_FONT.",
)
"""Sentences of the portal's own plugins, which are written in English and arrive as finished text."""


_known: ContextVar[str | None] = ContextVar("language", default=None)
"""The language of the run that draws now; None: it is looked up."""


def language() -> str:
    """Return the user's language, else the browser's, else English."""
    return _known.get() or _looked_up()


@contextmanager
def one_language() -> Iterator[None]:
    """Look the language up once for everything in this block: a page translates a hundred texts."""
    token = _known.set(_looked_up())
    try:
        yield
    finally:
        _known.reset(token)


def _looked_up() -> str:
    chosen = st.session_state.get(_CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def choose(language: str | None) -> None:
    """Use this language for the rest of the session; None uses the browser's."""
    st.session_state[_CHOSEN] = language
    if _known.get() is not None:
        _known.set(_looked_up())


def t(sentence: str, /, **fields: object) -> str:
    """Return the sentence in the user's language with its {fields} filled in. `n` selects the plural form."""
    entry = catalogue(language()).get(sentence, sentence)
    if isinstance(entry, dict):
        entry = entry["one" if fields.get("n") == 1 else "other"]
    return entry.format(**fields) if fields else entry


def listed(names: Iterable[str]) -> str:
    """Join names as the user's language does in a sentence."""
    return ("、" if language() == "zh" else ", ").join(names)


def error_text(error: PortalError | StoredError) -> str:
    """Return the error message in the user's language. A sentence of a plugin is translated if the portal knows it."""
    if error.template == "{sentence}":
        sentence = str(error.params.get("sentence", ""))
        return t(sentence) if sentence in OWN_SENTENCES else sentence
    return t(error.template, **error.params)


@cache
def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """Return the translation of each sentence, or its plural forms {"one", "other"}."""
    entries: dict[str, str | dict[str, str]] = json.loads((CATALOGUES / f"{language}.json").read_text("utf-8"))
    return entries
