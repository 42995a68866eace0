"""Parse grammars with llama.cpp's own parser, to compare ours with it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from models.engine.llama.native import lib

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class NativeGrammar:
    """A token against the grammar would end the process: ask before it is accepted."""

    def __init__(self, vocab: Any, text: str) -> None:
        """Raises ValueError for what llama.cpp refuses: it takes a repetition of what may be empty for left recursion."""
        self._native: Any = lib.llama_sampler_init_grammar(vocab, text.encode(), b"root") or None
        if not self._native:
            raise ValueError("llama.cpp cannot use the grammar")

    def allows(self, token: int) -> bool:
        return self.allowed([token]) == [token]

    def allowed(self, tokens: list[int]) -> list[int]:
        candidates = np.zeros(len(tokens), _CANDIDATE)
        candidates["id"] = tokens
        data = ctypes.cast(candidates.ctypes.data, ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(data, len(candidates), -1, False)
        lib.llama_sampler_apply(self._native, ctypes.byref(array))
        return [token for token, logit in zip(tokens, candidates["logit"], strict=True) if np.isfinite(logit)]

    def accept(self, token: int) -> None:
        lib.llama_sampler_accept(self._native, token)

    def free(self) -> None:
        lib.llama_sampler_free(self._native)
