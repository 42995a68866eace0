"""Track where slots hold images: with M-RoPE an image takes fewer positions than tokens, so index and position differ after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.engine.images import EncodedImage

_ROW = 3
"""Numbers of a span: first index, tokens, positions."""


class ImageSlots:
    """Tracks the images that slots hold. Only the decode thread uses it."""

    def __init__(self, slots: int) -> None:
        self._spans: list[list[tuple[int, int, int]]] = [[] for _ in range(slots)]

    def position(self, slot: int, index: int) -> int:
        """Return the position of the token with this index; within an image, that of the image."""
        position = index
        for start, tokens, positions in self._spans[slot]:
            if start >= index:
                break
            if start + tokens > index:
                return position - (index - start)
            position -= tokens - positions
        return position

    def add(self, slot: int, start: int, image: EncodedImage) -> None:
        """Note that the slot holds an image from this index on. Noting it again changes nothing."""
        span = (start, len(image), image.positions)
        if span not in self._spans[slot]:
            self._spans[slot].append(span)

    def cut(self, slot: int, length: int) -> int:
        """Note that the slot is cut to this length; returns the position from which on it is empty."""
        position = self.position(slot, length)
        self._spans[slot] = [span for span in self._spans[slot] if span[0] < length]
        return position

    def copy(self, source: int, target: int) -> None:
        """Note that the target holds what the source does."""
        self._spans[target] = list(self._spans[source])

    def with_spans(self, slot: int, state: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Append the images of a slot to what it holds."""
        spans = np.array([number for span in self._spans[slot] for number in span] + [len(self._spans[slot])], np.int64)
        return np.concatenate([state, spans.view(np.uint8)])

    def taken(self, slot: int, saved: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Note the images of what is restored into a slot; returns the rest of what `with_spans` made."""
        count = int(saved[-8:].copy().view(np.int64)[0])
        end = saved.nbytes - 8 * (1 + _ROW * count)
        rows = saved[end:-8].copy().view(np.int64).reshape(count, _ROW)
        self._spans[slot] = [(int(start), int(tokens), int(positions)) for start, tokens, positions in rows]
        return saved[:end]
