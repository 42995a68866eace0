"""Fill llama_batch with the embeddings of an image instead of tokens."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engine.images import EncodedImage
from models.engine.llama.native import lib


class ImageBatch:
    """One llama_batch of `capacity` embeddings of one image. Its memory is numpy's."""

    def __init__(self, capacity: int, width: int) -> None:
        self._embeddings = np.empty((capacity, width), np.float32)
        self._positions = np.zeros(4 * capacity, np.int32)
        self._slots = np.zeros(1, np.int32)
        self._counts = np.ones(capacity, np.int32)
        self._outputs = np.zeros(capacity, np.int8)
        self._pointers = np.full(capacity, self._slots.ctypes.data, np.int64)
        self.native: Any = lib.llama_batch()
        self.native.token = None
        arrays: dict[str, NDArray[Any]] = {
            "embd": self._embeddings, "pos": self._positions, "n_seq_id": self._counts, "seq_id": self._pointers, "logits": self._outputs,
        }  # fmt: skip
        for name, kind in lib.llama_batch._fields_:
            if name in arrays:
                setattr(self.native, name, ctypes.cast(arrays[name].ctypes.data, kind))

    def fill(self, slot: int, position: int, image: EncodedImage, first: int, count: int) -> Any:
        """Write `count` tokens of the image from its token `first` on. position: of the image."""
        self._embeddings[:count] = image.embeddings[first : first + count]
        self._slots[0] = slot
        if image.offsets is None:
            self._positions[:count] = np.arange(position + first, position + first + count)
        else:
            offsets = image.offsets[first : first + count]
            # Section by section: time, row, column, and one that is unused.
            self._positions[: 4 * count] = (offsets + np.array([position, position, position, 0], np.int32)).T.reshape(-1)
        self.native.n_tokens = count
        return self.native
