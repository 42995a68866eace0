"""Pack the words of a document's passages as bytes, and unpack them."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_COUNT = 255
_HEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Three arrays with an entry for each word of each passage, and how many words each passage has."""

    words: npt.NDArray[np.uint32]
    passages: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.int32]


def hashed(word: str) -> int:
    """Return 32 bits that stand for a word. Two words of a collection share them so rarely that it does not matter."""
    return zlib.crc32(word.encode("utf-8", "replace"))


def pack(passages: Sequence[Sequence[str]]) -> bytes:
    counted = [Counter(map(hashed, words)) for words in passages]
    different = np.array([len(each) for each in counted], np.uint32)
    lengths = np.array([len(words) for words in passages], np.uint32)
    words = np.array([word for each in counted for word in each], np.uint32)
    counts = np.array([min(n, MAX_COUNT) for each in counted for n in each.values()], np.uint8)
    head = len(passages).to_bytes(_HEAD, "little")
    return zlib.compress(b"".join([head, different.tobytes(), lengths.tobytes(), words.tobytes(), counts.tobytes()]), 1)


def unpack(packed: bytes) -> Packed:
    content = zlib.decompress(packed)
    number = int.from_bytes(content[:_HEAD], "little")
    different = np.frombuffer(content, np.uint32, number, _HEAD)
    lengths = np.frombuffer(content, np.uint32, number, _HEAD + 4 * number).astype(np.int32)
    total = int(different.sum())
    words = np.frombuffer(content, np.uint32, total, _HEAD + 8 * number)
    counts = np.frombuffer(content, np.uint8, total, _HEAD + 8 * number + 4 * total)
    passages = np.repeat(np.arange(number, dtype=np.int32), different)
    return Packed(words=words, passages=passages, counts=counts, lengths=lengths)
