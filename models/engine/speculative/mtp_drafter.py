"""Decide how many tokens MTP, the model's own next-token layer, drafts for which sequence, where that saves more time than it takes.

An accepted token saves its share of a step. Draft tokens cost the layer's time, which all sequences of a batch share, and the model's for
checking them (`DraftCosts`). Each further one is accepted less often.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from models.engine.backend import Backend, Part
from models.engine.batching.batch import Batch
from models.engine.sequence import Sequence
from models.engine.speculative.accept_rate import PRIOR, RECOVERY, AcceptRate
from models.engine.speculative.draft_costs import DraftCosts

_MAX_LENGTH = 6
"""Most draft tokens of one sequence."""
_OUTLIER = 2.0


class MtpDrafter:
    """Fulfils Drafter, for a backend that can draft."""

    name = "mtp"

    def __init__(self, backend: Backend, costs: DraftCosts, rounds_s: Mapping[int, float] | None = None) -> None:
        """rounds_s: the layer's seconds for one more draft token, by the number of sequences, where known."""
        self._backend = backend
        self._costs = costs
        self._rates: dict[Sequence, AcceptRate] = {}
        self._typical = AcceptRate(PRIOR)
        """The accept rate of all sequences, with which new ones begin."""
        self._round_s: dict[int, float] = dict(rounds_s or {})
        """The layer's seconds for one more draft token; 0 after the first round, which takes longer than the following ones."""
        self.drafted = 0
        self.accepted = 0

    def begin(self, sequence: Sequence) -> None:
        """Prepare nothing."""

    def end(self, sequence: Sequence) -> None:
        self._rates.pop(sequence, None)

    def propose(self, batch: Batch) -> None:
        """Draft for those sequences of a batch without prompts that have no draft tokens yet."""
        expected_s = batch.expected_s
        if not batch or expected_s is None or not self._costs.known or batch.prompt_tokens:
            return
        lengths = self._lengths(batch, expected_s)
        if not lengths:
            return
        begin = time.perf_counter()
        parts = [part for part in batch.parts if part.slot in lengths]
        drafts = self._backend.draft([(part.slot, part.tokens[-1], lengths[part.slot]) for part in parts])
        for part, tokens in zip(parts, drafts, strict=True):
            batch.propose(part, tokens, self)
        if all(drafts):
            self._measured(len(parts), (time.perf_counter() - begin) / max(lengths.values()))

    def _lengths(self, batch: Batch, expected_s: float) -> dict[int, int]:
        """Choose how many tokens to draft for which slots."""
        open_entries: list[tuple[Sequence, Part]] = [(sequence, part) for sequence, part in batch if not part.draft_tokens]
        room = self._backend.max_draft_tokens - batch.draft_tokens
        likely = {part.slot: (self._rate(one).value, most) for one, part in open_entries if (most := self._most(one)) > 0}
        lengths = self._costs.best(batch.slots, likely, room, expected_s, self._rounds_s)
        for sequence, part in open_entries:
            if part.slot not in lengths:
                self._rate(sequence).skipped()
        if not lengths and len(open_entries) in self._round_s:
            self._round_s[len(open_entries)] *= 1 - RECOVERY
        return lengths

    def _rounds_s(self, lengths: Mapping[int, int]) -> float:
        """Return the layer's seconds to draft so many tokens: each round is for those that need one more."""
        rounds = range(1, max(lengths.values()) + 1)
        return sum(self._round_s.get(sum(length >= number for length in lengths.values()), 0.0) for number in rounds)

    def _most(self, sequence: Sequence) -> int:
        return min(_MAX_LENGTH, sequence.max_tokens - sequence.generated - 1, self._backend.context - len(sequence.tokens))

    def _rate(self, sequence: Sequence) -> AcceptRate:
        rate = self._rates.get(sequence)
        if rate is None:
            rate = self._rates[sequence] = AcceptRate(self._typical.value)
        return rate

    def _measured(self, sequences: int, seconds: float) -> None:
        """Learn the time of a round. One that took far longer than expected was delayed by something else, and says little."""
        known = self._round_s.get(sequences)
        if known:
            self._round_s[sequences] = known + 0.2 * (min(seconds, _OUTLIER * known) - known)
        else:
            self._round_s[sequences] = 0.0 if known is None else seconds

    def learn(self, batch: Batch) -> None:
        for sequence, drafted, accepted in batch.checked(self):
            rate = self._rate(sequence)
            rate.learn(drafted, accepted)
            self._typical.value += 0.02 * (rate.value - self._typical.value)
            self.drafted += drafted
            self.accepted += accepted
