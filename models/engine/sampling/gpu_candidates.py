"""Have the GPU find each row's likeliest tokens, so that a step copies those few instead of the whole vocabulary's logits.

Each slot gets a sampler of llama.cpp that is computed with the model: a top-k alone. The rest of an answer's chain, which has its own seed,
temperature and penalties, then chooses among these candidates on the processor, as it does among those that TopTokens finds. llama.cpp
leaves the logits on the GPU only if every row of a batch has such a sampler. An answer that needs all logits takes its slot's sampler away.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.native import lib, short_call

MAX_CANDIDATES = 64
"""How many candidates of each row the GPU returns. A chain that considers more gets all logits."""
SUPPORTED = b"+top-k"
"""The name of a top-k sampler that llama.cpp computes with the model."""
Candidates = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Ids and logits, likeliest first; of equal ones the lowest id."""
_log = logging.getLogger(__name__)


class GpuCandidates:
    """Reads each row's likeliest tokens from the GPU. Only the decode thread of its model uses it."""

    def __init__(self, context: Any, slots: int, vocabulary: int) -> None:
        """context: a llama_context *."""
        self._context = context
        self._vocabulary = vocabulary
        self._samplers: dict[int, Any] = {}
        """The sampler of each slot."""
        self._slots = range(slots)
        self._whole: set[int] = set()
        """Slots whose answers need all logits."""
        self._possible = True
        self._briefly = LockReleased()
        arguments = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)
        self._logits_at = short_call("llama_get_sampled_logits_ith", *arguments)
        self._ids_at = short_call("llama_get_sampled_candidates_ith", *arguments)

    def assign(self, slot: int, *, few: bool) -> None:
        """Tell what the slot's answer needs. few: MAX_CANDIDATES candidates or less.

        A change makes llama.cpp plan its graphs again with the next decode. Thus the first answer gives all slots their samplers, and
        they keep them from one answer to the next.
        """
        if few:
            self._whole.discard(slot)
            if slot not in self._samplers and self._possible:
                with self._briefly:
                    for each in self._slots:
                        if each not in self._samplers and each not in self._whole and self._possible:
                            self._attach(each)
        else:
            self._whole.add(slot)
            if slot in self._samplers:
                with self._briefly:
                    self._detach(slot)

    def find(self, rows: Iterable[int]) -> dict[int, Candidates]:
        """Return the candidates of these rows of the last decode. Rows whose slot had no sampler then are left out."""
        at = {row: address for row in rows if (address := self._logits_at(self._context, row))}
        if not at:
            return {}
        addresses = np.fromiter(at.values(), np.int64, len(at))
        first = int(addresses.min())
        indices = (addresses - first) // (4 * self._vocabulary)
        row, address = next(iter(at.items()))
        ids = self._rows(first + int(self._ids_at(self._context, row)) - address, ctypes.c_int32, indices)
        logits = self._rows(first, ctypes.c_float, indices)
        order = np.lexsort((ids, -logits), axis=-1)  # The GPU returns them in any order.
        ids, logits = np.take_along_axis(ids, order, 1), np.take_along_axis(logits, order, 1)
        return {row: (ids[index], logits[index]) for index, row in enumerate(at)}

    def _rows(self, address: int, kind: Any, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Copy the candidates out of llama.cpp's buffer, in which each row has room for the vocabulary."""
        size = int(indices.max()) * self._vocabulary + MAX_CANDIDATES
        flat = np.frombuffer((kind * size).from_address(address), kind)
        step = 4 * self._vocabulary
        return np.lib.stride_tricks.as_strided(flat, (int(indices.max()) + 1, MAX_CANDIDATES), (step, 4))[indices]

    def close(self) -> None:
        for slot in list(self._samplers):
            self._detach(slot)

    def _attach(self, slot: int) -> None:
        settings = lib.llama_sampler_chain_default_params()
        settings.no_perf = True
        chain = lib.llama_sampler_chain_init(settings)
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(MAX_CANDIDATES))
        accepted = lib.llama_set_sampler(self._context, slot, chain)
        if accepted and lib.llama_sampler_name(lib.llama_sampler_chain_get(chain, 0)) == SUPPORTED:
            self._samplers[slot] = chain
            return
        lib.llama_set_sampler(self._context, slot, None)
        lib.llama_sampler_free(chain)
        self._possible = False
        _log.warning("llama.cpp cannot find the likeliest tokens on this device: each step copies all logits")

    def _detach(self, slot: int) -> None:
        lib.llama_set_sampler(self._context, slot, None)
        lib.llama_sampler_free(self._samplers.pop(slot))
