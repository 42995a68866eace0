"""Draft by prompt lookup: answers that quote, edit or summarize earlier text get several tokens per step.

Where an answer's last tokens occurred before, the tokens that followed there are drafted. While an answer goes along an earlier passage, a
token that differs does not end it: as in an edited text, what comes after is expected to continue side by side.
"""

from __future__ import annotations

from itertools import takewhile

from models.engine.batching.batch import Batch
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import DraftCosts
from models.engine.speculative.passage import Passage


class PromptLookup:
    """Fulfils Drafter."""

    name = "prompt lookup"

    def __init__(self, most: int, context: int, costs: DraftCosts) -> None:
        """most: draft tokens that one decode can check. context: tokens a slot can hold."""
        self._most = most
        self._context = context
        self._costs = costs
        self._passages: dict[Sequence, Passage] = {}
        self.drafted = 0
        self.accepted = 0

    def begin(self, sequence: Sequence) -> None:
        """Index the prompt, which takes 0.1 ms for 1,000 tokens."""
        self._passages[sequence] = Passage(sequence.tokens)

    def end(self, sequence: Sequence) -> None:
        self._passages.pop(sequence, None)

    def propose(self, batch: Batch) -> None:
        """Add the draft tokens that promise most tokens a second to a batch that prefills nothing."""
        expected_s = batch.expected_s
        if not batch or expected_s is None or not self._costs.known or batch.prompt_tokens:
            return
        drafts = self._drafts(batch)
        likely = {slot: (chance, len(tokens)) for slot, (chance, tokens) in drafts.items()}
        chosen = self._costs.best(batch.slots, likely, self._most, expected_s) if drafts else {}
        for sequence, part in batch:
            count = chosen.get(part.slot)
            if count:
                batch.propose(part, drafts[part.slot][1][:count], self)
            elif (passage := self._passages.get(sequence)) is not None:
                passage.skipped()

    def _drafts(self, batch: Batch) -> dict[int, tuple[float, list[int]]]:
        """Return, by slot where a sequence follows a passage, the chance that a draft token is right, and the draft tokens."""
        drafts = {}
        for sequence, part in batch:
            passage = self._passages.get(sequence)
            if passage is None:
                continue
            passage.follow(sequence.tokens)
            most = min(self._most, sequence.max_tokens - sequence.generated - 1, self._context - len(sequence.tokens))
            tokens = passage.draft(sequence.tokens, most) if most > 0 else []
            tokens = list(takewhile(lambda token: token >= 0, tokens)) if sequence.images else tokens
            if tokens:
                drafts[part.slot] = passage.accept_rate, tokens
        return drafts

    def learn(self, batch: Batch) -> None:
        for sequence, drafted, accepted in batch.checked(self):
            self.drafted += drafted
            self.accepted += accepted
            if (passage := self._passages.get(sequence)) is not None:
                passage.learn(drafted, accepted)
