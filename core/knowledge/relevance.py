"""Choose the parts of a long text that are relevant to a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CHUNK_CHARS = 700
"""Approximate length of a part, which ends at the end of a line if possible."""
MAX_REORDERED = 64
"""How many of the best parts by words are ranked again by meaning."""
_K1, _B = 1.2, 0.75
"""The usual parameters of BM25."""
_WORD = re.compile(r"[^\W_]+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")

Similar = Callable[[str, Sequence[str]], Sequence[float] | None]
"""Returns the similarity of each text to the question; None if it cannot be computed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a text, numbered from 1."""

    first: int
    last: int
    text: str


def parts_of(text: str) -> list[Part]:
    """Cut a text into parts of whole lines. Very long lines are split."""
    parts: list[Part] = []
    lines: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if lines and sum(map(len, lines)) + len(line) > CHUNK_CHARS:
            parts.append(Part(first, number - 1, "\n".join(lines)))
            lines, first = [], number
        if len(line) > 2 * CHUNK_CHARS:
            parts += [Part(number, number, line[at : at + CHUNK_CHARS]) for at in range(0, len(line), CHUNK_CHARS)]
            lines, first = [], number + 1
        else:
            lines.append(line)
    if lines:
        parts.append(Part(first, first + len(lines) - 1, "\n".join(lines)))
    return [part for part in parts if part.text.strip()]


def terms_of(text: str) -> list[str]:
    """Return the words of a text without common English endings, and pairs of Chinese characters."""
    found = [_stem(word) for word in _WORD.findall(_WIDE.sub(" ", text.casefold()))]
    for run in _WIDE.findall(text):
        found += [run[at : at + 2] for at in range(len(run) - 1)] or [run]
    return found


def best_parts(
    question: str, parts: Sequence[Part], room: Callable[[Part], int], budget: int, similar: Similar | None = None
) -> list[Part]:
    """Return the parts that answer the question best and fit together, in the order of the text.

    room: returns how much of the budget a part takes. similar: also ranks the best parts by meaning. The first part is included if it
    fits, because it often says what the text is about.
    """
    scores = _by_words(question, parts)
    order = sorted(range(len(parts)), key=lambda at: (-scores[at], at))
    if similar is not None:
        order = _by_meaning(question, parts, order, scores, similar)
    chosen: set[int] = set()
    left = budget
    for at in order:
        if (needed := room(parts[at])) <= left:
            chosen.add(at)
            left -= needed
    if parts and 0 not in chosen and room(parts[0]) <= left:
        chosen.add(0)
    return [parts[at] for at in sorted(chosen)]


def _by_words(question: str, parts: Sequence[Part]) -> list[float]:
    """Return the BM25 score of each part; 0 for one without a word of the question."""
    counts = [Counter(terms_of(part.text)) for part in parts]
    lengths = [sum(count.values()) for count in counts]
    usual = sum(lengths) / len(parts) if parts else 1.0
    holding = Counter(term for count in counts for term in count)
    wanted = set(terms_of(question))

    def score(at: int) -> float:
        total = 0.0
        for term in wanted & counts[at].keys():
            rare = math.log(1 + (len(parts) - holding[term] + 0.5) / (holding[term] + 0.5))
            often = counts[at][term]
            total += rare * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * lengths[at] / (usual or 1)))
        return total

    return [score(at) for at in range(len(parts))]


def _by_meaning(question: str, parts: Sequence[Part], order: list[int], words: Sequence[float], similar: Similar) -> list[int]:
    """Merge the ranking by words with one by meaning (reciprocal ranks). Parts without a word of the question use the latter alone."""
    first = order[:MAX_REORDERED]
    meanings = similar(question, [parts[at].text for at in first])
    if meanings is None:
        return order
    rank = {n: index for index, n in enumerate(sorted(range(len(first)), key=lambda n: -meanings[n]))}

    def merged(n: int) -> float:
        return 1 / (60 + rank[n]) + (1 / (60 + n) if words[first[n]] else 0.0)

    return [first[n] for n in sorted(range(len(first)), key=lambda n: -merged(n))] + order[MAX_REORDERED:]


def _stem(word: str) -> str:
    for ending in ("ing", "es", "ed", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            return word[: -len(ending)]
    return word
