"""Find equal and nearly equal texts.

Texts are nearly equal if they share nine tenths of their runs of three words (Jaccard similarity). A comparison of all pairs would
take too long, so only texts are compared that share one of their smallest hashes (MinHash with bottom-k sketches).
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import defaultdict
from hashlib import blake2b
from zlib import crc32

SIMILAR = 0.9
_RUN = 3
_SKETCH = 6
"""How many of its smallest hashes a text is found by."""
_MOST_COMPARED = 64
"""Most texts with the same small hash that are compared, so that a common phrase cannot make the search slow."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
"""A word, or one character of a script without spaces between words."""


def normalized(text: str) -> str:
    """Return the text in lower case, without differences of width, punctuation and spaces."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Duplicates:
    """Remembers the texts that were kept."""

    def __init__(self) -> None:
        self._exact: set[bytes] = set()
        self._runs: list[array[int]] = []
        self._by_hash: defaultdict[int, list[int]] = defaultdict(list)

    def is_equal(self, normal: str) -> bool:
        """Tell whether an equal text was kept."""
        return _digest(normal) in self._exact

    def is_near(self, normal: str) -> bool:
        """Tell whether a nearly equal text was kept."""
        runs = _runs(normal)
        compared: set[int] = set()
        for small in sorted(runs)[:_SKETCH]:
            compared.update(self._by_hash[small][-_MOST_COMPARED:] if small in self._by_hash else ())
        return any(_similarity(runs, self._runs[each]) >= SIMILAR for each in sorted(compared))

    def keep(self, normal: str) -> None:
        self._exact.add(_digest(normal))
        runs = sorted(_runs(normal))
        number = len(self._runs)
        self._runs.append(array("I", runs))
        for small in runs[:_SKETCH]:
            self._by_hash[small].append(number)


def _digest(normal: str) -> bytes:
    return blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _runs(normal: str) -> frozenset[int]:
    words = normal.split()
    last = max(1, len(words) - _RUN + 1)
    return frozenset(crc32(" ".join(words[at : at + _RUN]).encode("utf-8", "surrogatepass")) for at in range(last))


def _similarity(runs: frozenset[int], other: array[int]) -> float:
    low, high = sorted((len(runs), len(other)))
    if low < SIMILAR * high:
        return 0.0
    shared = len(runs.intersection(other))
    return shared / (len(runs) + len(other) - shared)
