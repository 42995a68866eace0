"""Split text into searchable words: Latin words as they are, CJK runs as overlapping pairs of characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from core.search.records import MARK_END, MARK_START

MAX_TERMS = 24
MAX_QUERY = 1000
"""Characters of a query that are read."""
SNIPPET = 160
"""Approximate length of a snippet."""

FILE_NAMES = "\ufdd2"
"""Precedes the names of attached files in the text of a document. A noncharacter, like the marks of a snippet."""

USUAL_LENGTH = 500
"""Characters of a text of average length."""

_CJK = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_CJK_LETTER = re.compile(f"[{_CJK}]")
_CJK_RUN = re.compile(f"[{_CJK}]+")
_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
"""Pictographs without skin tones: a search for a thumb finds it in every tone."""
_EMOJI_SIGN = re.compile(f"[{_EMOJI}]")
# A Latin word keeps its inner punctuation (don't, settings.py, 3.5): each index splits it as it splits the text.
_TERM = re.compile(f'([{_CJK}]+)|[{_EMOJI}]|[^\\W_{_CJK}](?:[^\\s"{_CJK}{_EMOJI}]*[^\\W_{_CJK}])?')
_SPACE = re.compile(r"\s+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Term:
    """One word that a person searches for, in lower case."""

    text: str
    cjk: bool

    @property
    def emoji(self) -> bool:
        return _EMOJI_SIGN.fullmatch(self.text) is not None

    @property
    def pairs(self) -> list[str]:
        return [self.text[i : i + 2] for i in range(len(self.text) - 1)]


def terms(query: str) -> list[Term]:
    """Return the distinct words of a query, in order. All input is words: there is no query syntax."""
    found = (Term(match[0], match[1] is not None) for match in _TERM.finditer(_normal(query[:MAX_QUERY])))
    return list(dict.fromkeys(found))[:MAX_TERMS]


def spread(text: str) -> str:
    """Write every CJK run as pairs and its last character: 机器学习 becomes 机器 器学 学习 习.

    So a word of two characters is one token, a longer one a phrase, and a single character the start of a token. Emoji become words, since
    the tokenizers drop them.
    """
    return _EMOJI_SIGN.sub(lambda match: f" {emoji_word(match[0])} ", _CJK_RUN.sub(_spread_run, _normal(text)))


def emoji_word(character: str) -> str:
    """Return a word that no stemmer shortens."""
    return f"emoji{ord(character)}"


def letters(text: str) -> list[str]:
    """Return the distinct CJK characters and emoji of the text."""
    plain = _normal(text)
    return list({*_CJK_LETTER.findall(plain), *_EMOJI_SIGN.findall(plain)})


def _spread_run(match: re.Match[str]) -> str:
    run = match[0]
    return " " + " ".join(run[i : i + 2] for i in range(len(run))) + " "


def _normal(text: str) -> str:
    """Normalize text: full-width letters become plain, everything lower case, and characters that no search engine accepts become spaces.
    """
    return unicodedata.normalize("NFKC", _UNPRINTABLE.sub(" ", text)).lower()


def snippet(text: str, wanted: list[Term]) -> str:
    """Return about SNIPPET characters of the text around the first match, on one line, with every match between the marks.

    File names are used if no word matches before them.
    """
    text, _, names = (_one_line(part) for part in text.partition(FILE_NAMES))
    pattern = _pattern(text, wanted)
    if names and not (pattern and pattern.search(text)):
        text = f"{text} {names}".strip()
        pattern = _pattern(text, wanted)
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - SNIPPET // 3) if first else 0
    end = min(len(text), start + SNIPPET)
    start, end = _at_spaces(text, start, end)
    cut = text[start:end]
    if pattern:
        cut = pattern.sub(lambda match: MARK_START + match[0] + MARK_END, cut)
    return ("…" if start else "") + cut + ("…" if end < len(text) else "")


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", text.replace(MARK_START, "").replace(MARK_END, "")).strip()


def relevance(text: str, wanted: list[Term]) -> float:
    """Score how well a text that contains all the words matches: frequent words count more, with diminishing returns, and less in a long
    text.

    This is BM25 without weights for rare words, which would require the statistics of the whole index.
    """
    plain = _normal(text)
    length = 0.25 + 0.75 * len(plain) / USUAL_LENGTH
    score = 0.0
    for term in wanted:
        # For a word in another form, count words with the same beginning, as in the snippet.
        often = plain.count(term.text) or (0 if term.cjk or term.emoji else plain.count(_beginning(term)))
        score += often / (often + 1.2 * length)
    return score


def _beginning(term: Term) -> str:
    return term.text[: max(4, len(term.text) - 3)]


def _pattern(text: str, wanted: list[Term]) -> re.Pattern[str] | None:
    """Match whole words as typed; for a word that occurs only in another form (models for model), words that begin alike."""
    parts = []
    for term in wanted:
        if term.emoji:
            parts.append(re.escape(term.text))
            continue
        exact = re.escape(term.text) if term.cjk else rf"\b{re.escape(term.text)}\b"
        if not term.cjk and not re.search(exact, text, re.IGNORECASE):
            exact = rf"\b{re.escape(_beginning(term))}\w*"
        parts.append(exact)
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _at_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """Move the ends of a cut to nearby spaces, so that no word is split."""
    if start and (space := text.rfind(" ", max(0, start - 20), start)) >= 0:
        start = space + 1
    if end < len(text) and (space := text.find(" ", end, end + 20)) >= 0:
        end = space
    return start, end
