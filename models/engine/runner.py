"""Decode and sample a batch; if that fails, try it again sequence by sequence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Sequence as Row

from core.errors import ModelFailed, PortalError
from models.engine.answers import Answers
from models.engine.backend import Backend, Decoded, Part
from models.engine.batching.batch import Batch
from models.engine.batching.micro_batches import MicroBatches
from models.engine.batching.row_costs import RowCosts
from models.engine.images import whole_length
from models.engine.kv_cache.slot_choice import KvCache
from models.engine.llama.last_step import LastStep
from models.engine.sequence import Sequence
from models.engine.stats.ledger import Ledger

_log = logging.getLogger(__name__)

Sampled = list[tuple[Sequence, int]]
"""Sequences with their new tokens; one whose draft tokens were accepted has several, in a row."""


class Runner:
    """Decodes and samples batches. Only the decode thread uses it."""

    def __init__(
        self,
        backend: Backend,
        kv_cache: KvCache,
        answers: Answers,
        micro_batches: MicroBatches,
        row_costs: RowCosts,
        ledger: Ledger,
        last_step: LastStep,
        name: str,
        last_error: Callable[[], str],
    ) -> None:
        """name: the model's. last_error: the backend's last error in its own words."""
        self._backend = backend
        self._kv_cache = kv_cache
        self._answers = answers
        self._outbox = answers.outbox
        self._micro_batches = micro_batches
        self._row_costs = row_costs
        self._ledger = ledger
        self._last_step = last_step
        self._name = name
        self._last_error = last_error
        self._adapter = 0
        self._indexes: Row[int] = ()
        """The batch index of each part of the last batch, in the order in which llama.cpp got it."""

    def run(self, batch: Batch, began: float) -> Sampled:
        """Decode and sample. A batch that fails is tried again, each sequence alone, so that only the cause is lost.

        began: when the step began, as time.perf_counter() has it.
        """
        if not batch:
            return []
        self._last_step.decoding(tuple(batch.sequences))
        try:
            return self._compute(batch, began, alone=False)
        finally:
            self._last_step.idle()

    def _compute(self, batch: Batch, began: float, *, alone: bool) -> Sampled:
        self._switch_adapter(batch.adapter)
        result = self._decode(batch.parts)
        while result is Decoded.FULL and not alone and self._answers.make_room(batch):
            result = self._decode(batch.parts)
        if result is Decoded.DONE:
            self._last_step.sampling()
            return self._sample(batch, began)
        for sequence, part in batch:
            self._undo(sequence, part)
        if result is Decoded.ABORTED or (alone and result is Decoded.FULL):
            return []  # the next step makes room and tries again
        if len(batch) == 1 or not self._backend.can_cut:
            error = self._error(result)
            for sequence in batch.sequences:
                self._answers.fail(sequence, error)
            return []
        return [entry for one in batch.apart() for entry in self._compute(one, began, alone=True)]

    def prefetch(self, part: Part) -> Decoded:
        """Prefill the beginning of a next prompt. No reader and no statistics see it."""
        self._switch_adapter(self._kv_cache.adapter(part.slot))
        self._backend.cut(part.slot, part.start)
        return self._backend.decode([part])

    def measure(self) -> None:
        """Measure once more how long a number of rows takes."""
        parts = self._micro_batches.trial_batch(self._row_costs.missing or 0)
        if not parts:
            self._row_costs.give_up()
            return
        began = time.perf_counter()
        result = self._backend.decode(parts)
        seconds = time.perf_counter() - began
        self._cut(parts)
        if result is Decoded.DONE:
            self._kv_cache.decoded()
            self._row_costs.measured(seconds)
        elif result is not Decoded.ABORTED:
            self._row_costs.give_up()

    def _decode(self, parts: list[Part]) -> Decoded:
        self._outbox.before_decode(long=any(len(part.tokens) > 1 and part.known > 1 for part in parts))
        arranged = self._micro_batches.arrange(parts)
        began = time.perf_counter()
        result = self._backend.decode(arranged.parts)
        seconds = time.perf_counter() - began
        self._cut(arranged.padding)
        self._indexes = arranged.indexes
        self._ledger.decoded(result, padding=len(arranged.padding))
        if result is Decoded.DONE and arranged.groups:
            self._row_costs.learn(arranged.groups, seconds)
        if result is not Decoded.FAILED:
            self._kv_cache.decoded()
        return result

    def _cut(self, padding: Row[Part]) -> None:
        for part in padding:
            self._backend.cut(part.slot, part.start)

    def _switch_adapter(self, adapter: int) -> None:
        if adapter != self._adapter:
            self._backend.use_adapter(adapter)
            self._adapter = adapter

    def _undo(self, sequence: Sequence, part: Part) -> None:
        """Forget what an unfinished decode may have written; a model that cannot be cut back starts over."""
        if not self._backend.can_cut:
            sequence.done = 0
        sequence.done = whole_length(sequence.tokens, sequence.done)
        self._kv_cache.cut(part.slot, sequence.done)

    def _sample(self, batch: Batch, began: float) -> Sampled:
        """Sample after each part that ends with the newest token, which nearly all do; they are handled together."""
        sampled: Sampled = []
        sample = self._backend.sample
        self._backend.prepare(
            [(sequence.sampler, index) for index, (sequence, part) in zip(self._indexes, batch, strict=True) if part.wants_logits]
        )
        for index, (sequence, part) in zip(self._indexes, batch, strict=True):
            try:
                if len(part.tokens) == 1 and part.start >= sequence.prompt_length:
                    sequence.computed(1)
                    sampled.append((sequence, sample(sequence.sampler, index)))
                else:
                    sampled += [(sequence, token) for token in self._advance(sequence, part, index, began)]
            except PortalError as error:  # a sequence that cannot be sampled fails alone
                self._answers.fail(sequence, error)
        self._kv_cache.wrote(batch.parts)
        return sampled

    def _advance(self, sequence: Sequence, part: Part, index: int, began: float) -> list[int]:
        """Sample after the part, and after each of its draft tokens as long as they are accepted; forget the others."""
        try:
            sampled = self._accept(sequence, part, index)
        finally:
            sequence.computed(part.known + (part.accepted or 0))
            if sequence.done < part.start + len(part.tokens):
                self._backend.cut(part.slot, sequence.done)
        if part.accepted is not None:
            sequence.checked(part.draft_tokens, part.accepted)
        if part.start < sequence.prompt_length:
            sequence.prefilled(min(part.known, sequence.prompt_length - part.start), began)
        return sampled

    def _accept(self, sequence: Sequence, part: Part, index: int) -> list[int]:
        if not part.wants_logits:
            return []
        sampled = [self._backend.sample(sequence.sampler, index)]
        for draft, token in enumerate(part.tokens[part.known :], start=1):
            if sampled[-1] != token or self._backend.ends(token):
                break
            sampled.append(self._backend.sample(sequence.sampler, index, draft))
        if part.draft_tokens:
            part.accepted = len(sampled) - 1
        return sampled

    def _error(self, result: Decoded) -> PortalError:
        if result is Decoded.FULL:
            return ModelFailed("The KV cache of model {name} is full. Try again, or ask an admin to give it more memory.", name=self._name)
        reason = self._last_error() or "no reason given"
        _log.error("model %s could not decode: %s", self._name, reason)
        return ModelFailed("The model {name} failed: {reason}", name=self._name, reason=reason)
