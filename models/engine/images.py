"""Represent images for the engine: embeddings, and token ids below 0 that stand for them in a prompt.

The ids are made of the image's hash. So prompts share a prefix where they show the same image, and slots, copies and files need to know
nothing about images. No vocabulary has ids below 0, and adapters, which are small ones, are far from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_NEAREST, _FARTHEST = 1 << 20, (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """The embeddings of an image, or of a part of it. key: identifies these pixels and this projector, in hex."""

    key: str
    embeddings: NDArray[np.float32]
    """tokens x width."""
    offsets: NDArray[np.int32] | None
    """tokens x 4: where each token is, from the image's position on (M-RoPE). None: one after another."""
    positions: int
    """How many positions it takes; fewer than tokens with M-RoPE."""

    def __len__(self) -> int:
        return len(self.embeddings)

    @cached_property
    def tokens(self) -> tuple[int, ...]:
        """Return the ids that stand for it in a prompt."""
        numbers = np.random.default_rng(int(self.key, 16)).integers(_NEAREST, _FARTHEST, len(self))
        return tuple((-numbers).tolist())


@dataclass(frozen=True, slots=True)
class PromptImage:
    """An image in a prompt. start: the index of its first token."""

    start: int
    image: EncodedImage

    @property
    def end(self) -> int:
        return self.start + len(self.image)


def is_image(token: int) -> bool:
    """Tell whether a token stands for a part of an image."""
    return token <= -_NEAREST


def whole_length(tokens: Sequence[int], length: int) -> int:
    """Return the most tokens, up to `length`, that end within no image: a slot cannot be cut there."""
    if not 0 < length < len(tokens) or not (is_image(tokens[length]) and is_image(tokens[length - 1])):
        return length
    while length and is_image(tokens[length - 1]):
        length -= 1
    return length
