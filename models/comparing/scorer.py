"""Compute a model's logits at every position of a text, and let it answer greedily."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFailed
from models.engine.backend import Decoded, Part
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions

AT_ONCE = 32
"""Positions of one batch, whose logits are held together."""


class _WideBackend(LlamaBackend):
    """Returns the logits of a whole batch."""

    max_draft_tokens = AT_ONCE


class Scorer:
    """One loaded file, with one conversation."""

    def __init__(self, path: Path, options: BackendOptions) -> None:
        """Load the file. Raises ModelFailed."""
        self._backend = _WideBackend(path, options)
        self._name = path.name
        self.vocabulary = self._backend.vocabulary
        self.context = self._backend.context

    def tokenize(self, text: str) -> list[int]:
        return self._backend.tokenize(text)

    def read(self, tokens: Sequence[int]) -> None:
        """Begin a new text with these tokens."""
        self._backend.cut(0, 0)
        for start in range(0, len(tokens), self._backend.batch_tokens):
            self._decode(Part(slot=0, start=start, tokens=tokens[start : start + self._backend.batch_tokens], wants_logits=True))

    def logits(self, start: int, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Continue with at most AT_ONCE tokens from position `start` on; return the logits after each of them."""
        self._decode(Part(slot=0, start=start, tokens=tokens, wants_logits=True, draft_tokens=len(tokens) - 1))
        return np.stack([self._backend.logits(0, row).copy() for row in range(len(tokens))])

    def answer(self, prompt: Sequence[int], most: int) -> tuple[str, int, float]:
        """Answer greedily; return the text, its number of tokens, and the seconds of decoding without the prompt."""
        self.read(prompt)
        length, pieces = len(prompt), b""
        began = time.monotonic()
        count = 0
        while count < most and length < self.context:
            token = int(np.argmax(self._backend.logits(0)))
            if self._backend.ends(token):
                break
            pieces += self._backend.piece(token)
            count += 1
            self._decode(Part(slot=0, start=length, tokens=[token], wants_logits=True))
            length += 1
        return pieces.decode("utf-8", "replace").strip(), count, time.monotonic() - began

    def _decode(self, part: Part) -> None:
        if self._backend.decode([part]) is not Decoded.DONE:
            reason = self._backend.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not compute with {file}: {reason}.", file=self._name, reason=reason)

    def close(self) -> None:
        self._backend.close()


def chunks(tokens: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """Split into pieces of AT_ONCE, each with its start position."""
    for start in range(0, len(tokens), AT_ONCE):
        yield start, tokens[start : start + AT_ONCE]
