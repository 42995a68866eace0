"""The computing of a step: a batch is decoded and sampled, and tried again answer by answer where that fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Sequence as Row

from core.errors import ModelFailed, PortalError
from models.engine.answers import Answers
from models.engine.backend import Backend, Decoded, Part
from models.engine.batching.micro_batches import MicroBatches
from models.engine.kv_cache.slot_choice import ContextMemory
from models.engine.llama.last_step import LastStep
from models.engine.sequence import Sequence
from models.engine.speculative.drafting import Drafting
from models.engine.stats.ledger import Ledger

_log = logging.getLogger(__name__)


class Decoder:
    """Used by the decode thread only."""

    def __init__(
        self,
        backend: Backend,
        memory: ContextMemory,
        answers: Answers,
        micro_batches: MicroBatches,
        drafting: Drafting,
        ledger: Ledger,
        last_step: LastStep,
        name: str,
        why: Callable[[], str],
    ) -> None:
        """name: the model's. why: tells the backend's last error in its own words."""
        self._backend = backend
        self._memory = memory
        self._prefixes = memory.prefixes
        self._answers = answers
        self._outbox = answers.outbox
        self._ledger = ledger
        self._last_step = last_step
        self._name = name
        self._why = why
        self._adapter = 0
        self._places: Row[int] = ()
        """Where each part of the last batch was in it as llama.cpp saw it."""
        self._drafting = drafting
        self._micro_batches = micro_batches

    def compute(self, batch: list[tuple[Sequence, Part]], began: float, *, apart: bool = False) -> list[tuple[Sequence, int]]:
        """Decode and sample: (answer, token), several of one whose guesses came true.

        A batch that fails is tried again answer by answer (`apart`), so that only the cause is lost. began: when the step did, as
        time.perf_counter() has it.
        """
        self._put_on(batch[0][0].adapter)
        result = self._decode([part for _, part in batch])
        while result is Decoded.FULL and not apart and self._answers.make_room(batch):
            result = self._decode([part for _, part in batch])
        if result is Decoded.DONE:
            self._last_step.sampling()
            return self._sample(batch, began)
        for sequence, part in batch:
            self._undo(sequence, part)
        if result is Decoded.ABORTED or (apart and result is Decoded.FULL):
            return []  # the next step tries again, and makes room
        if len(batch) == 1 or not self._backend.can_cut:
            error = self._error(result)
            for sequence, _ in batch:
                self._answers.fail(sequence, error)
            return []
        return [entry for one in batch for entry in self.compute([one], began, apart=True)]

    def read_ahead(self, part: Part) -> Decoded:
        """For nobody yet: it is told to nobody and counted nowhere."""
        self._put_on(self._prefixes.adapters[part.slot])
        self._backend.cut(part.slot, part.start)
        return self._backend.decode([part])

    def measure(self) -> None:
        """Find out what a number of rows takes to compute, once more."""
        costs = self._micro_batches.costs
        parts = self._micro_batches.for_nothing(costs.missing or 0)
        if not parts:
            costs.give_up()
            return
        began = time.perf_counter()
        result = self._backend.decode(parts)
        seconds = time.perf_counter() - began
        self._cut(parts)
        if result is Decoded.DONE:
            self._memory.decoded()
            costs.measured(seconds)
        elif result is not Decoded.ABORTED:
            costs.give_up()

    def _decode(self, parts: list[Part]) -> Decoded:
        self._outbox.before_decode(long=any(len(part.tokens) - part.guessed > 1 for part in parts))
        arranged = self._micro_batches.arrange(parts)
        began = time.perf_counter()
        result = self._backend.decode(arranged.parts)
        seconds = time.perf_counter() - began
        self._cut(arranged.fillers)
        self._places = arranged.places
        self._ledger.decoded(result, fillers=len(arranged.fillers))
        if result is Decoded.DONE and arranged.groups:
            self._micro_batches.costs.learn(arranged.groups, seconds)
        if result is not Decoded.FAILED:
            self._memory.decoded()
        return result

    def _cut(self, fillers: Row[Part]) -> None:
        for part in fillers:
            self._backend.cut(part.slot, part.start)

    def _put_on(self, adapter: int) -> None:
        """The adapter that the answers of the batch have in common."""
        if adapter != self._adapter:
            self._backend.use_adapter(adapter)
            self._adapter = adapter

    def _undo(self, sequence: Sequence, part: Part) -> None:
        """Forget what a decode that did not finish may have written; a model that cannot be cut back starts over."""
        if not self._backend.can_cut:
            sequence.done = 0
            self._prefixes.tokens[part.slot].clear()
        self._backend.cut(part.slot, sequence.done)

    def _sample(self, batch: list[tuple[Sequence, Part]], began: float) -> list[tuple[Sequence, int]]:
        """After each part that ends with the newest token: nearly always one token, which is taken the short way."""
        sampled: list[tuple[Sequence, int]] = []
        sample, held = self._backend.sample, self._prefixes.tokens
        for place, (sequence, part) in zip(self._places, batch, strict=True):
            if len(part.tokens) == 1 and part.start >= sequence.prompt_length:
                held[part.slot].append(part.tokens[0])
                sequence.steps += 1
                sequence.done += 1
                try:
                    sampled.append((sequence, sample(sequence.sampler, place)))
                except PortalError as error:
                    self._answers.fail(sequence, error)
            else:
                sampled += self._advance(sequence, part, place, began)
        return sampled

    def _advance(self, sequence: Sequence, part: Part, place: int, began: float) -> list[tuple[Sequence, int]]:
        """Sample after the part, and after each of its guesses for as long as they come true; forget the others.

        An answer that cannot be sampled fails alone.
        """
        sequence.steps += 1
        sampled: list[int] = []
        known = len(part.tokens) - part.guessed
        failed: PortalError | None = None
        try:
            if part.wants_logits:
                sampled.append(self._backend.sample(sequence.sampler, place))
            for guess, token in enumerate(part.tokens[known:], start=1):
                if sampled[-1] != token or self._backend.ends(token):
                    break
                sampled.append(self._backend.sample(sequence.sampler, place, guess))
        except PortalError as error:
            failed = error
        kept = known + max(0, len(sampled) - 1)
        self._prefixes.tokens[part.slot].extend(part.tokens[:kept])
        sequence.done += kept
        if kept < len(part.tokens):
            self._backend.cut(part.slot, sequence.done)
        if failed is not None:
            self._answers.fail(sequence, failed)
            return []
        if part.drafted:
            self._drafting.learn(sequence, part.guessed, len(sampled) - 1)
        if part.guessed:
            sequence.checked(part.guessed, len(sampled) - 1, drafted=part.drafted)
        if part.start < sequence.prompt_length:
            sequence.read(min(kept, sequence.prompt_length - part.start), began)
        return [(sequence, token) for token in sampled]

    def _error(self, result: Decoded) -> PortalError:
        if result is Decoded.FULL:
            return ModelFailed("The KV cache of model {name} is full. Try again, or ask an admin to give it more memory.", name=self._name)
        reason = self._why() or "no reason given"
        _log.error("model %s could not decode: %s", self._name, reason)
        return ModelFailed("The model {name} failed: {reason}", name=self._name, reason=reason)
