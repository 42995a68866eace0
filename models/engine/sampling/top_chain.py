"""Sample from a large vocabulary: give llama.cpp's chain only the few likeliest tokens. llama.cpp copies all of GLM's 151,552
candidates into 12-byte records before its top-k discards nearly all of them. Where a chain begins
with top-k, finding those few with numpy in the logits themselves gives the same tokens for a fraction of the time.
"""

from __future__ import annotations

import ctypes
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.inference.requests import SamplingParams
from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.native import lib, short_call

LARGE = 32_768
"""The smallest vocabulary that is worth it; llama.cpp is quick enough with smaller ones."""
MAX_TOP_K = 256
"""The largest top-k that is worth it."""
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""
_AFTER_TOP_K = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "typical_p", "repeat_penalty", "max_tokens", "stop", "stop_tokens", "seed"}
)
"""Parameters that leave top-k first in the chain, or do not concern sampling."""


def wants_only(params: SamplingParams, vocabulary: int) -> int | None:
    """Return how many of the likeliest tokens the chain for `params` considers; None if all, or too many to gain by it."""
    asked = {field.name for field in fields(SamplingParams) if getattr(params, field.name) != field.default}
    penalized = params.repeat_penalty not in (None, 1.0)
    if vocabulary < LARGE or asked - _AFTER_TOP_K or (penalized and not params.temperature):
        return None
    if not params.temperature:
        return 1
    return params.top_k if params.top_k and params.top_k <= MAX_TOP_K else None


class TopChain:
    """Owns a chain that considers the `top` likeliest tokens. Belongs to the decode thread."""

    def __init__(self, chain: Any, top: int) -> None:
        self._chain = chain
        self.top = top
        self.bound = float("inf")
        """A value that few more than `top` logits exceeded last time."""
        self._lock_released = LockReleased()
        self._candidates = np.zeros(top, _CANDIDATE)
        data = ctypes.cast(self._candidates.ctypes.data, ctypes.POINTER(lib.llama_token_data))
        self._array = lib.llama_token_data_array(data, top, -1, True)
        self._reference = ctypes.byref(self._array)
        self._apply = short_call("llama_sampler_apply", None, ctypes.c_void_p, ctypes.c_void_p)
        self._accept = short_call("llama_sampler_accept", None, ctypes.c_void_p, ctypes.c_int32)

    def free(self) -> None:
        lib.llama_sampler_free(self._chain)

    def most_likely(self, logits: NDArray[np.float32]) -> int:
        """Return the likeliest token of a row: the answer where `top` is 1."""
        with self._lock_released:
            return int(logits.argmax())

    def sample(self, logits: NDArray[np.float32], likely: NDArray[np.intp]) -> int:
        """Sample a token of a row. likely: the ids of its `top` highest logits, highest first."""
        return self._apply_chain(likely, logits[likely])

    def choose(self, ids: NDArray[np.int32], logits: NDArray[np.float32]) -> int:
        """Sample one of a row's candidates, at least `top`, the likeliest first."""
        return int(ids[0]) if self.top == 1 else self._apply_chain(ids[: self.top], logits[: self.top])

    def _apply_chain(self, ids: NDArray[Any], logits: NDArray[np.float32]) -> int:
        self._candidates["id"] = ids
        self._candidates["logit"] = logits
        # The chain may have shortened or reordered the array.
        self._array.size, self._array.selected, self._array.sorted = self.top, -1, True
        self._apply(self._chain, self._reference)
        token = int(self._candidates["id"][self._array.selected])
        self._accept(self._chain, token)
        return token
