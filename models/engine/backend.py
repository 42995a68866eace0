"""What the engine needs of a model; llama.cpp fulfils it, and so does the tests' fake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.inference.requests import SamplingParams


@dataclass(slots=True)
class Part:
    """Tokens of one sequence in a batch: they take the positions from `start` on in `slot`."""

    slot: int
    start: int
    tokens: Sequence[int]
    wants_logits: bool
    """Whether a token will be sampled after the last of them."""
    guessed: int = 0
    """How many of the last tokens are guesses: a token will be sampled before and after each of them."""
    drafted: bool = False
    """The guesses are the model's own next-token layer's."""

    def forget_guesses(self) -> None:
        self.tokens = self.tokens[: len(self.tokens) - self.guessed]
        self.guessed, self.drafted = 0, False


class Decoded(Enum):
    """What became of a batch."""

    DONE = "done"
    FULL = "full"
    """No room in the context memory; nothing was written."""
    ABORTED = "aborted"
    FAILED = "failed"
    """After ABORTED and FAILED some of the batch may have been written: cut the slots back."""


class Backend(Protocol):
    """A loaded model with memory for `slots` sequences. Used by one thread only, `abort` excepted."""

    slots: int
    context: int
    """Tokens a slot can hold."""
    shared_cells: int
    """Tokens all slots together can hold where they share the memory; 0 where each has its own."""
    batch_tokens: int
    """Most tokens in one decode."""
    copy_from: int
    """Shared prefixes shorter than this are computed again rather than copied."""
    most_guesses: int
    """Guessed tokens that one decode can check."""
    parking_bytes: int
    """Host memory for conversations that leave their slots."""
    can_cut: bool
    """False for recurrent models: a slot can be added to or emptied, but not cut back, nor copied in part."""
    can_draft: bool
    """The model has a layer that guesses tokens ahead."""
    own_streams: bool
    """Each slot has context memory of its own, and only neighbouring slots are computed together."""

    def decode(self, parts: Sequence[Part]) -> Decoded: ...
    def draft(self, wanted: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        """Guess ahead. wanted: ascending slots, each with its newest token, not decoded yet, and how many guesses at most."""
        ...

    def sample(self, sampler: Any, part: int, guess: int = 0) -> int:
        """The next token after the last decode's part number `part`, its first `guess` guesses included."""
        ...

    def use_adapter(self, adapter: int) -> None:
        """Decode with this adapter from now on, 0: with none. It is one of those the model was loaded with."""
        ...

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any: ...
    def free_sampler(self, sampler: Any) -> None: ...
    def cut(self, slot: int, length: int) -> None:
        """Forget what the slot holds from position `length` on; 0 empties it."""
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Make `target` hold the first `length` tokens of `source`."""
        ...

    def save(self, slot: int) -> NDArray[np.uint8]:
        """All that the slot holds."""
        ...

    def restore(self, slot: int, state: NDArray[np.uint8]) -> bool:
        """Make the slot hold what was saved; False, with the slot empty, if that fails."""
        ...

    def piece(self, token: int) -> bytes:
        """The token's text as bytes; empty for control tokens. May be part of a character."""
        ...

    def ends(self, token: int) -> bool:
        """Whether the token ends an answer."""
        ...

    def abort(self, now: bool) -> None:
        """From any thread: make a running decode return ABORTED soon, until called with False."""
        ...

    def close(self) -> None: ...
