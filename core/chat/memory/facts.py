"""Read the facts that a model proposes, and tell which repeat what is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.characters import halves, one_line
from core.chat.memory.records import LONGEST_MEMORY

MOST_FACTS = 3
"""Facts taken from one look at a chat."""
SHORTEST_FACT = 8
ALIKE = 0.8
"""Share of common words from which two facts say the same."""
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
    """Return the words of a text that carry its meaning: without the commonest ones; of wide characters, pairs."""
    text = text.replace("用户", " ")
    plain = {word for word in _WORD.findall(_WIDE.sub(" ", text.casefold())) if word not in _COMMON}
    wide = "".join(c if _WIDE.match(c) else " " for c in text)
    pairs = {wide[at : at + 2] for at in range(len(wide) - 1) if " " not in wide[at : at + 2]}
    return frozenset(plain | pairs)


def says_the_same(one: str, other: str) -> bool:
    """Tell whether two facts differ in nothing but small words. One that denies the other does not repeat it."""
    if bool(_NEGATION.search(one)) is not bool(_NEGATION.search(other)):
        return False
    first, second = words_of(one), words_of(other)
    if not first or not second:
        return one.casefold().strip(" .。") == other.casefold().strip(" .。")
    return len(first & second) >= ALIKE * len(first | second)


def is_known(fact: str, known: Iterable[str]) -> bool:
    return any(says_the_same(fact, each) for each in known)


def facts_in(written: str, said: str, known: Sequence[str]) -> list[str]:
    """Return the facts that a model wrote, one a line, that are new and rest on what the person said.

    said: the person's own words. known: facts that are not to be proposed again.
    """
    ground = {_stem(word) for word in words_of(said)}
    found: list[str] = []
    for raw in written.split("\n"):
        fact = one_line(_LABEL.sub("", _MARK.sub("", raw), count=1)).strip(" \"'“”「」*_`")
        if not len(fact) + 2 * len(_WIDE.findall(fact)) >= SHORTEST_FACT or len(fact) > LONGEST_MEMORY:
            continue
        if fact.endswith(("?", "？", ":", "：")) or _NOTHING.fullmatch(fact) or halves(fact):
            continue
        if not ground & {_stem(word) for word in words_of(fact)} or is_known(fact, [*known, *found]):
            continue
        found.append(fact)
        if len(found) == MOST_FACTS:
            break
    return found


def _stem(word: str) -> str:
    """Return a word without its ending: bonds and bond, traded and trades are the same."""
    return word if len(word) < 4 else word[: max(4, len(word) - 2)]
