"""Run MTP, the model's own next-token layer, which was trained to draft the tokens after the next one, for a fraction of a step each.

At every position the layer takes the token there and the model's hidden state one position before. It has a llama.cpp context of its own
on the same weights, whose slots follow the model's slots. A slot that lost its trail (its conversation came from elsewhere, or
nobody asked for drafts in a while) starts over where it is: its drafts know less of the conversation, and are checked like all others.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engine.backend import Part
from models.engine.llama.batch import NativeBatch
from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.native import forgetting, lib, staging

KEPT = 32
"""Tokens a slot may lag behind before the layer computes them."""
PATIENCE = 32
"""Decodes without a draft after which the layer pauses, and costs nothing."""

Rows = NDArray[np.float32]


@dataclass(slots=True)
class _Trail:
    """The layer's state of one slot, and what it has not computed yet."""

    width: int
    read: int = 0
    """Positions before this one are in the layer's KV cache."""
    tokens: list[int] = field(default_factory=list)
    """The tokens from position `read` on: known, but not computed yet."""
    hidden: Rows = field(init=False)
    """The model's hidden states, from the position before `read` on: one row more than tokens, or none while that row is unknown."""

    def __post_init__(self) -> None:
        self.hidden = self._none()

    def _none(self) -> Rows:
        return np.empty((0, self.width), np.float32)

    def follow(self, start: int, tokens: Sequence[int], hidden: Rows) -> bool:
        """Follow the model, which computed `tokens` at `start`. False if the layer does not know what was before: the trail starts over."""
        if start == self.read - 1 and not len(self.hidden):
            self.tokens, self.hidden = list(tokens[1:]), hidden.copy()
            return True
        if start == self.read + len(self.tokens):
            before = self.hidden if len(self.hidden) else np.zeros((1, self.width), np.float32)
            self.tokens += tokens
            self.hidden = np.concatenate((before, hidden))
            return True
        self.read, self.tokens, self.hidden = start + 1, list(tokens[1:]), hidden.copy()
        return False

    def cut(self, length: int) -> None:
        if length < self.read:
            self.read, self.tokens, self.hidden = length, [], self._none()
        else:
            del self.tokens[length - self.read :]
            self.hidden = self.hidden[: length - self.read + 1]

    def took(self, count: int) -> None:
        """Note that the layer computed the first `count` tokens."""
        self.read += count
        del self.tokens[:count]
        self.hidden = self.hidden[count:]

    def copied(self) -> _Trail:
        other = _Trail(self.width, self.read, list(self.tokens))
        other.hidden = self.hidden
        return other


class MtpLayer:
    """Drafts for many slots at once, greedily. Belongs to the decode thread; close() it before the model is freed."""

    def __init__(self, model: Any, target: Any, params: Any, slots: int) -> None:
        """target: the model's context, made with `params`, from which this one's are made. Raises ValueError if llama.cpp refuses."""
        self._target = target
        self._width = lib.llama_model_n_embd_out(model)
        self._vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        room = params.n_batch + slots * (KEPT + 1)
        params.ctx_type = lib.LLAMA_CONTEXT_TYPE_MTP
        params.n_batch, params.n_outputs_max = room, slots
        self._context = lib.llama_init_from_model(model, params)
        if not self._context:
            raise ValueError("no context for the MTP layer")
        self._memory = lib.llama_get_memory(self._context)
        staging.llama_set_embeddings_nextn(self._context, True, True)
        self._batch = NativeBatch(room, self._width)
        self._lock_released = LockReleased()
        self._briefly = LockReleased()
        self._forget = forgetting()
        self._slots = slots
        self._wake()

    def _wake(self) -> None:
        """Mark every slot as having lost its trail. The model's hidden states are available from the next decode on."""
        staging.llama_set_embeddings_nextn(self._target, True, False)
        self._trails = [_Trail(self._width) for _ in range(self._slots)]
        self.asleep, self._unused = False, 0

    def close(self) -> None:
        self._batch.close()
        lib.llama_free(self._context)

    # The slots, as the model's own

    def follow(self, parts: Sequence[Part]) -> None:
        """Follow the model, which has just decoded `parts`."""
        if self.asleep:
            return
        self._unused += 1
        if self._unused > PATIENCE:
            self.asleep = True
            staging.llama_set_embeddings_nextn(self._target, False, False)
            return
        count = sum(len(part.tokens) for part in parts)
        hidden = self._rows(staging.llama_get_embeddings_nextn(self._target), count)
        end = 0
        for part in parts:
            begin, end = end, end + len(part.tokens)
            if not self._trails[part.slot].follow(part.start, part.tokens, hidden[begin:end]):
                self._forget(self._memory, part.slot, -1, -1)
        behind = [part.slot for part in parts if len(self._trails[part.slot].tokens) > KEPT]
        if behind:
            self._read([Part(slot, self._trails[slot].read, list(self._trails[slot].tokens), False) for slot in behind])

    def cut(self, slot: int, length: int) -> None:
        self._trails[slot].cut(length)

    def copy(self, source: int, target: int, length: int) -> None:
        self._forget(self._memory, target, -1, -1)
        lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self._trails[target] = self._trails[source].copied()
        self.cut(target, length)

    # Drafting

    def draft(self, wanted: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        """Draft the tokens that may follow, none for a slot whose trail is lost.

        wanted: slots in ascending order, each with its newest token, which the model has not decoded yet, and how many draft tokens.
        """
        if self.asleep:
            self._wake()
        self._unused = 0
        drafts: dict[int, list[int]] = {slot: [] for slot, _, _ in wanted}
        parts = []
        for slot, token, _ in wanted:
            trail = self._trails[slot]
            if len(trail.hidden):
                trail.tokens.append(token)
                parts.append(Part(slot, trail.read, list(trail.tokens), True))
        most = {slot: count for slot, _, count in wanted}
        rows = self._read(parts)
        while rows is not None:
            hidden = self._rows(staging.llama_get_embeddings_nextn(self._context), len(parts))
            following, states = [], []
            for index, part in enumerate(parts):
                token = self._likeliest(rows[index])
                drafts[part.slot].append(token)
                if len(drafts[part.slot]) < most[part.slot]:
                    following.append(Part(part.slot, part.start + len(part.tokens), [token], True))
                    states.append(hidden[index].copy())
            parts = following
            rows = self._decode(parts, np.array(states)) if parts else None
        return [drafts[slot] for slot, _, _ in wanted]

    def _read(self, parts: Sequence[Part]) -> list[int] | None:
        """Compute the tokens that slots have not computed. Returns as `_decode`; None too if there are no parts."""
        if not parts:
            return None
        for part in parts:
            # Draft tokens were written there.
            self._forget(self._memory, part.slot, part.start, -1)
        rows = self._decode(parts, np.concatenate([self._trails[part.slot].hidden[: len(part.tokens)] for part in parts]))
        for part in parts if rows is not None else ():
            self._trails[part.slot].took(len(part.tokens))
        return rows

    def _decode(self, parts: Sequence[Part], hidden: Rows) -> list[int] | None:
        """Return the index of each part's last token; None, and the slots lose their trails, if llama.cpp fails."""
        rows = self._batch.fill(parts, hidden)
        with self._lock_released:
            status = lib.llama_decode(self._context, self._batch.native)
        if status == 0:
            return rows
        for part in parts:
            self._forget(self._memory, part.slot, -1, -1)
            self._trails[part.slot] = _Trail(self._width)
        return None

    def _likeliest(self, row: int) -> int:
        with self._briefly:
            logits = lib.llama_get_logits_ith(self._context, row)
            return int(np.ctypeslib.as_array(logits, shape=(self._vocabulary,)).argmax())

    def _rows(self, address: Any, count: int) -> Rows:
        """Return a view that is valid until the context's next decode."""
        return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), shape=(count, self._width))
