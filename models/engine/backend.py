"""Declare what the engine needs of a model. llama.cpp fulfils it, and so does the tests' fake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.inference.requests import SamplingParams
from models.engine.images import PromptImage


@dataclass(slots=True)
class Part:
    """Tokens of one sequence in a batch. They take the positions from `start` on in `slot`."""

    slot: int
    start: int
    tokens: Sequence[int]
    wants_logits: bool
    """Whether a token is sampled after the last of them."""
    draft_tokens: int = 0
    """How many of the last tokens are draft tokens: a token is sampled before and after each of them."""
    accepted: int | None = None
    """How many of the draft tokens were accepted; None until they are checked."""
    image: PromptImage | None = None
    """The image of which all these tokens are; None: they are text."""

    @property
    def known(self) -> int:
        """Return how many of the tokens are certain: all but the draft tokens."""
        return len(self.tokens) - self.draft_tokens

    def drop_draft_tokens(self) -> None:
        self.tokens = self.tokens[: self.known]
        self.draft_tokens = 0


class Decoded(Enum):
    """The outcome of a batch."""

    DONE = "done"
    FULL = "full"
    """The KV cache has no room; nothing was written."""
    ABORTED = "aborted"
    FAILED = "failed"
    """After ABORTED and FAILED some of the batch may have been written: cut the slots back."""


class Backend(Protocol):
    """A loaded model with a KV cache for `slots` sequences. One thread uses it; `abort` may be called from any."""

    slots: int
    context: int
    """Tokens a slot can hold."""
    shared_cells: int
    """Tokens all slots can hold together where they share one KV cache; 0 where each slot has its own."""
    batch_tokens: int
    """Most tokens in one decode."""
    copy_from: int
    """A shared prefix of fewer tokens is computed again rather than copied."""
    max_draft_tokens: int
    """Most draft tokens that one decode can check."""
    offload_bytes: int
    """Host memory for conversations that leave their slots."""
    can_cut: bool
    """False for recurrent models: a slot can grow or be emptied, but not be cut back, nor copied in part."""
    can_draft: bool
    """Whether the model has its MTP layer loaded."""
    own_streams: bool
    """Whether each slot has its own KV cache; then only neighbouring slots are computed together."""
    on_gpu: bool
    """Whether layers of the model lie on a GPU."""

    def decode(self, parts: Sequence[Part]) -> Decoded: ...
    def draft(self, wanted: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        """Propose draft tokens with the MTP layer.

        wanted: (slot, its newest token, which is not decoded yet, most draft tokens), slots ascending.
        """
        ...

    def prepare(self, samplers: Sequence[tuple[Any, int]]) -> None:
        """Do the work that the samplers of a step can share. samplers: each with the number of its part."""
        ...

    def sample(self, sampler: Any, part: int, draft: int = 0) -> int:
        """Sample the token that follows part number `part` of the last decode, with its first `draft` draft tokens."""
        ...

    def use_adapter(self, adapter: int) -> None:
        """Decode with this adapter from now on; 0: with none. It is one of those the model was loaded with."""
        ...

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any: ...
    def free_sampler(self, sampler: Any) -> None: ...
    def assign(self, slot: int, sampler: Any) -> None:
        """Tell which sampler the slot's next tokens are for, before they are decoded."""
        ...

    def cut(self, slot: int, length: int) -> None:
        """Forget what the slot holds from position `length` on; 0 empties it."""
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Make `target` hold the first `length` tokens of `source`."""
        ...

    def save(self, slot: int) -> NDArray[np.uint8]:
        """Return all that the slot holds."""
        ...

    def restore(self, slot: int, state: NDArray[np.uint8]) -> bool:
        """Make the slot hold what was saved; False, with the slot empty, if that fails."""
        ...

    def piece(self, token: int) -> bytes:
        """Return the token's text as bytes; empty for control tokens. It may be part of a character."""
        ...

    def ends(self, token: int) -> bool:
        """Tell whether the token ends an answer."""
        ...

    def abort(self, now: bool) -> None:
        """Make a running decode return ABORTED soon, from any thread, until called with False."""
        ...

    def close(self) -> None: ...
