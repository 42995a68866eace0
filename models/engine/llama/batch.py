"""Fill llama_batch through numpy: one slice assignment per chunk instead of five ctypes writes per token."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engine.backend import Part
from models.engine.llama.native import lib


class NativeBatch:
    """One llama_batch of `capacity` tokens, each in one sequence. Not thread-safe; close() frees it."""

    def __init__(self, capacity: int, width: int = 0) -> None:
        """width: of the hidden state for each token of a batch for the MTP layer; 0: none."""
        self.native: Any = lib.llama_batch_init(capacity, 0, 1)
        self._hidden = np.empty((capacity, width), np.float32)
        if width:
            # It would allocate either tokens or these; and it frees what the field points to.
            self.native.embd = self._hidden.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._tokens = self._view(self.native.token, ctypes.c_int32, capacity)
        self._positions = self._view(self.native.pos, ctypes.c_int32, capacity)
        self._outputs = self._view(self.native.logits, ctypes.c_int8, capacity)
        self._view(self.native.n_seq_id, ctypes.c_int32, capacity)[:] = 1
        # seq_id[i] points to an allocation of its own: aim them all at one array, and give them back before freeing.
        self._slots = np.zeros(capacity, np.int32)
        self._pointers = self._view(self.native.seq_id, ctypes.c_int64, capacity)
        self._original_pointers = self._pointers.copy()
        self._pointers[:] = self._slots.ctypes.data + 4 * np.arange(capacity)
        self._steps = np.arange(capacity, dtype=np.int32)

    @staticmethod
    def _view(pointer: Any, kind: Any, length: int) -> NDArray[Any]:
        return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(kind)), shape=(length,))

    def fill(self, parts: Sequence[Part], hidden: NDArray[np.float32] | None = None) -> list[int]:
        """Write the parts one after another; returns the index of each part's last token before its draft tokens."""
        if hidden is not None:
            self._hidden[: len(hidden)] = hidden
        if all(len(part.tokens) == 1 for part in parts):
            return self._fill_singly(parts)
        end = 0
        rows = []
        for part in parts:
            begin, count = end, len(part.tokens)
            end += count
            self._tokens[begin:end] = part.tokens
            self._slots[begin:end] = part.slot
            self._outputs[begin:end] = 0
            if count == 1:
                self._positions[begin] = part.start
            else:
                np.add(self._steps[:count], part.start, out=self._positions[begin:end])
            known = end - 1 - part.draft_tokens
            self._outputs[known:end] = part.wants_logits
            rows.append(known)
        self.native.n_tokens = end
        return rows

    def _fill_singly(self, parts: Sequence[Part]) -> list[int]:
        """Write parts of one token, of which most batches consist: four assignments instead of five per part."""
        count = len(parts)
        self._tokens[:count] = [part.tokens[0] for part in parts]
        self._slots[:count] = [part.slot for part in parts]
        self._positions[:count] = [part.start for part in parts]
        self._outputs[:count] = [part.wants_logits for part in parts]
        self.native.n_tokens = count
        return list(range(count))

    def close(self) -> None:
        self._pointers[:] = self._original_pointers
        self.native.embd = None
        lib.llama_batch_free(self.native)
