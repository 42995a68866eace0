"""Prompt-lookup speculation: answers that quote, edit or summarize what was said before come several tokens a step.

What followed in the text where its last tokens occurred earlier is guessed to follow again; and while an answer goes along an earlier
passage, a token that differs does not end it: as in an edited text, what comes after is guessed to go on side by side. Each guess is
sampled for as if it had been decoded alone, so that the answer stays the same, token by token.
"""

from __future__ import annotations

from models.engine.backend import Part
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import GuessCosts


class Speculation:
    """Adds guesses to batches where they pay, by what they cost and bring on this machine with this model."""

    def __init__(self, most: int, context: int, costs: GuessCosts) -> None:
        """most: guesses that one decode can check. context: tokens a slot can hold."""
        self._most = most
        self._context = context
        self._costs = costs
        self.guessed = 0
        self.right = 0

    @property
    def possible(self) -> bool:
        return self._most > 0

    def extend(self, batch: list[tuple[Sequence, Part]], plain_s: float | None) -> None:
        """Add to the parts of a batch that reads no prompt the guesses that promise most tokens a second.

        plain_s: what this step takes without guesses; None where that is not known yet.
        """
        if not self._most or plain_s is None or not self._costs.known or any(len(part.tokens) > 1 for _, part in batch):
            return
        found = self._guesses(batch)
        likely = {slot: (right, len(guesses)) for slot, (right, guesses) in found.items()}
        chosen = self._costs.best([part.slot for _, part in batch], likely, self._most, plain_s) if found else {}
        for sequence, part in batch:
            count = chosen.get(part.slot)
            if count:
                part.tokens = [*part.tokens, *found[part.slot][1][:count]]
                part.guessed = count
            elif sequence.guesser is not None:
                sequence.guesser.skipped()

    def _guesses(self, batch: list[tuple[Sequence, Part]]) -> dict[int, tuple[float, list[int]]]:
        """By slot, of answers that go along a passage: the chance that a guess is right, and what."""
        found = {}
        for sequence, part in batch:
            guesser = sequence.guesser
            if guesser is None:
                continue
            guesser.follow(sequence.tokens)
            most = min(self._most, sequence.max_tokens - sequence.generated - 1, self._context - len(sequence.tokens))
            guesses = guesser.guess(sequence.tokens, most) if most > 0 else []
            if guesses:
                found[part.slot] = guesser.right, guesses
        return found

    def checked(self, guessed: int, right: int) -> None:
        self.guessed += guessed
        self.right += right
