"""Read the facts that a model proposes, and recognize those that are already known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.characters import halves, one_line
from core.chat.memory.records import MAX_MEMORY_LENGTH

MAX_FACTS = 3
"""Most facts taken from one reading of a chat."""
SHORTEST_FACT = 8
ALIKE = 0.8
"""Share of common words from which two facts count as the same."""
_MARK = re.compile(r"^\s*(?:[-*+•·]|\d{1,2}[.)、])\s*")
_NOTHING = re.compile(r"\W*(?:none|no (?:new )?facts?|nothing|n/?a|无|没有)\b.{0,60}", re.I)
_LABEL = re.compile(r"(?:facts?|memor(?:y|ies)|事实|记忆)\s*[:：]\s*", re.I)
_NEGATION = re.compile(r"\b(?:not?|never|no longer|without|\w+n't)\b|不|没|无|别", re.I)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_COMMON = frozenset(
    {"the", "a", "an", "is", "are", "was", "has", "have", "to", "of", "in", "on", "at", "for", "and", "or", "that", "this", "their",
     "they", "them", "user", "user's", "user’s", "person", "用户"}
)  # fmt: skip


def words_of(text: str) -> frozenset[str]:
    """Return the words that carry a text's meaning: without the most common ones, and with pairs for wide characters."""
    text = text.replace("用户", " ")
    plain = {word for word in _WORD.findall(_WIDE.sub(" ", text.casefold())) if word not in _COMMON}
    wide = "".join(c if _WIDE.match(c) else " " for c in text)
    pairs = {wide[at : at + 2] for at in range(len(wide) - 1) if " " not in wide[at : at + 2]}
    return frozenset(plain | pairs)


def says_the_same(one: str, other: str) -> bool:
    """Tell whether two facts differ only in small words. A fact that denies the other is not the same."""
    if bool(_NEGATION.search(one)) is not bool(_NEGATION.search(other)):
        return False
    first, second = words_of(one), words_of(other)
    if not first or not second:
        return one.casefold().strip(" .。") == other.casefold().strip(" .。")
    return len(first & second) >= ALIKE * len(first | second)


def is_known(fact: str, known: Iterable[str]) -> bool:
    return any(says_the_same(fact, each) for each in known)


def facts_in(written: str, said: str, known: Sequence[str]) -> list[str]:
    """Return the facts in a model's text, one per line, that are new and based on what the person said.

    said: the person's own words. known: facts that must not be proposed again.
    """
    ground = {_stem(word) for word in words_of(said)}
    found: list[str] = []
    for raw in written.split("\n"):
        fact = one_line(_LABEL.sub("", _MARK.sub("", raw), count=1)).strip(" \"'“”「」*_`")
        if not len(fact) + 2 * len(_WIDE.findall(fact)) >= SHORTEST_FACT or len(fact) > MAX_MEMORY_LENGTH:
            continue
        if fact.endswith(("?", "？", ":", "：")) or _NOTHING.fullmatch(fact) or halves(fact):
            continue
        if not ground & {_stem(word) for word in words_of(fact)} or is_known(fact, [*known, *found]):
            continue
        found.append(fact)
        if len(found) == MAX_FACTS:
            break
    return found


def _stem(word: str) -> str:
    """Return a word without its ending, so that "bonds" equals "bond" and "traded" equals "trades"."""
    return word if len(word) < 4 else word[: max(4, len(word) - 2)]
