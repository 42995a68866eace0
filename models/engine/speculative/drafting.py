"""Which answers the model's next-token layer guesses ahead for, and how far: where the time it takes is less than what it saves.

A right guess saves a token's share of a step. Guesses cost the layer's time, which all answers of a batch share, and the model's for
checking them (`GuessCosts`). Each further guess is right less often.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from models.engine.backend import Backend, Part
from models.engine.sequence import Sequence
from models.engine.speculative.accept_rate import HOPE, RECOVERY, Draft
from models.engine.speculative.draft_costs import GuessCosts

_FARTHEST = 6
_SURPRISE = 2.0


class Drafting:
    """Used by the decode thread only."""

    def __init__(self, backend: Backend, costs: GuessCosts) -> None:
        self._backend = backend
        self._costs = costs
        self.possible = backend.can_draft and backend.can_cut
        self._typical = Draft(HOPE)
        """Of all answers, for new ones to begin with."""
        self._round_s: dict[int, float] = {}
        """What one more guess for each of so many answers takes the layer; 0 after the first, which takes longer than those that follow."""
        self.guessed = 0
        self.right = 0

    def extend(self, batch: list[tuple[Sequence, Part]], plain_s: float | None) -> float:
        """Add guesses to those parts of a batch that have none; returns the seconds it took.

        plain_s: what the step takes without guesses; None where that is not known yet.
        """
        if plain_s is None or not self._costs.known:
            return 0.0
        far = self._how_far(batch, plain_s)
        if not far:
            return 0.0
        begin = time.perf_counter()
        chosen = [(sequence, part) for sequence, part in batch if part.slot in far]
        found = self._backend.draft([(part.slot, part.tokens[-1], far[part.slot]) for _, part in chosen])
        for (_, part), guesses in zip(chosen, found, strict=True):
            part.tokens = [*part.tokens, *guesses]
            part.guessed, part.drafted = len(guesses), bool(guesses)
        took = time.perf_counter() - begin
        if all(found):
            self._measured(len(chosen), took / max(far.values()))
        return took

    def _how_far(self, batch: list[tuple[Sequence, Part]], plain_s: float) -> dict[int, int]:
        """How many tokens to guess for which slots."""
        open_parts = [(sequence, part) for sequence, part in batch if not part.guessed]
        room = self._backend.most_guesses - sum(part.guessed for _, part in batch)
        likely = {part.slot: (self._draft(one).right, most) for one, part in open_parts if (most := self._most(one)) > 0}
        far = self._costs.best([part.slot for _, part in batch], likely, room, plain_s, self._rounds_s)
        for sequence, part in open_parts:
            if part.slot not in far:
                self._draft(sequence).skipped()
        if not far and len(open_parts) in self._round_s:
            self._round_s[len(open_parts)] *= 1 - RECOVERY
        return far

    def _rounds_s(self, far: Mapping[int, int]) -> float:
        """What it takes the layer to guess so far: each round is for those who want one more."""
        rounds = range(1, max(far.values()) + 1)
        return sum(self._round_s.get(sum(distance >= number for distance in far.values()), 0.0) for number in rounds)

    def _most(self, sequence: Sequence) -> int:
        return min(_FARTHEST, sequence.max_tokens - sequence.generated - 1, self._backend.context - len(sequence.tokens))

    def _draft(self, sequence: Sequence) -> Draft:
        if sequence.draft is None:
            sequence.draft = Draft(self._typical.right)
        return sequence.draft

    def _measured(self, answers: int, seconds: float) -> None:
        """A round that took far longer than expected was kept waiting by something else, and says little."""
        known = self._round_s.get(answers)
        if known:
            self._round_s[answers] = known + 0.2 * (min(seconds, _SURPRISE * known) - known)
        else:
            self._round_s[answers] = 0.0 if known is None else seconds

    def learn(self, sequence: Sequence, guessed: int, right: int) -> None:
        """Of the `guessed` tokens for this answer the first `right` came."""
        self._draft(sequence).learn(guessed, right)
        self._typical.right += 0.02 * (self._draft(sequence).right - self._typical.right)
        self.guessed += guessed
        self.right += right
