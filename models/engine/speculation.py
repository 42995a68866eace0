"""Prompt-lookup speculation: answers that quote, edit or summarize what was said before come several tokens a step.

What followed in the text where its last tokens occurred earlier is guessed to follow again; and while an answer goes along an earlier
passage, a token that differs does not end it: as in an edited text, what comes after is guessed to go on side by side. Each guess is
sampled for as if it had been decoded alone, so that the answer stays the same, token by token.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.engine.backend import Part
    from models.engine.sequence import Sequence

_MATCH, _LOOKED_UP = 6, 3
"""How many last tokens must have occurred before; by how many of them that is looked up. Fewer meet by chance in any text."""
_WINDOW = 16_384
"""How much of a prompt is looked at."""
_HOPE, _WEIGHT = 0.7, 4.0
"""How likely a guess is right before anything is known, and how many guesses that counts as."""
_MEMORY = 0.95
"""What a guess counts for after each later one: an answer may quote here and not there."""
_RECOVERY = 0.004
"""How much of the hope comes back with each token that was not guessed at."""
_PATIENCE = 2
"""How many guesses may fail at once before the passage is given up."""
_SURPRISE = 2.0
_FEW = 4
_MARGIN = 1.1
"""Guesses must promise this much more than they cost."""


class Guesser:
    """Of one answer: what may come next, and how often that was right."""

    def __init__(self, tokens: list[int]) -> None:
        """Reads the prompt's last tokens, 0.1 ms for 1,000 of them: not on the decode thread."""
        begin = max(0, len(tokens) - _WINDOW)
        recent = tokens[begin:]
        grams = zip(recent, recent[1:], recent[2:-1], strict=False)
        self._follows = dict(zip(grams, range(begin + _LOOKED_UP, len(tokens)), strict=False))
        self._indexed = len(tokens)
        self._judged = True
        """The newest tokens were guessed at, or belong to the prompt."""
        self._back = 0
        """How far back the passage lies that the answer goes along; 0 where there is none."""
        self._failed = 0
        self._right, self._made = _HOPE * _WEIGHT, _WEIGHT

    @property
    def right(self) -> float:
        """How likely a guess is right whose predecessors were."""
        return self._right / self._made

    def follow(self, tokens: list[int]) -> None:
        """Find the passage that the answer goes along; what that says of the newest token is a guess that cost nothing."""
        if self._back and not self._judged:
            self.learn(1, int(tokens[-1] == tokens[-1 - self._back]))
        self._judged = False
        for end in range(self._indexed, len(tokens)):
            self._follows[tokens[end - 3], tokens[end - 2], tokens[end - 1]] = end
        self._indexed = count = len(tokens)
        along = self._back and tokens[count - self._back - 1] == tokens[-1]
        if not along and count >= _MATCH:
            place = self._follows.get((tokens[-3], tokens[-2], tokens[-1]))
            if place is not None and tokens[place - _MATCH : place] == tokens[-_MATCH:]:
                self._back = count - place

    def guess(self, tokens: list[int], most: int) -> list[int]:
        """At most `most` tokens that may follow, as last followed; none where the end has no precedent."""
        place = len(tokens) - self._back
        return tokens[place : place + most] if self._back else []

    def learn(self, guessed: int, right: int) -> None:
        """Of `guessed` tokens the first `right` came."""
        self._judged = True
        looked_at = min(guessed, right + 1)
        kept = _MEMORY**looked_at
        self._right, self._made = kept * self._right + right, kept * self._made + looked_at
        self._failed = 0 if right else self._failed + 1
        if self._failed >= _PATIENCE:
            self._failed = self._back = 0

    def skipped(self) -> None:
        hoped = _HOPE * self._made
        if self._right < hoped:
            self._right = min(hoped, self._right + _RECOVERY * self._made)


class Speculation:
    """Adds guesses to batches where they pay, by what they cost and bring on this machine with this model."""

    def __init__(self, most: int, context: int) -> None:
        """most: guesses that one decode can check. context: tokens a slot can hold."""
        self._most = most
        self._context = context
        self._cost_s: dict[int, float] = {}
        """What guesses add to a step, by their number."""
        self.guessed = 0
        self.right = 0

    @property
    def possible(self) -> bool:
        return self._most > 0

    def guess_s(self, token_s: float | None) -> float | None:
        """What each of a few guesses adds to a step; None while that is not known."""
        few = min(self._most, _FEW)
        return self._costs(token_s)[few] / few if few and token_s is not None else token_s

    def extend(self, batch: list[tuple[Sequence, Part]], plain_s: float | None, token_s: float | None) -> None:
        """Add to the parts of a batch that reads no prompt the guesses, the likeliest first, that promise most tokens a second.

        plain_s: what this step takes without guesses; token_s: what a token of a prompt adds to a step; None where that is not known yet.
        """
        if not self._most or plain_s is None or token_s is None or any(len(part.tokens) > 1 for _, part in batch):
            return
        tokens = float(len(batch))
        best = _MARGIN * tokens / plain_s
        found = self._guesses(batch, best * token_s)
        if not found:
            self._skip(batch)
            return
        likely = [(-right, index, 1) for index, (right, _) in found.items()]
        heapq.heapify(likely)
        costs = self._costs(token_s)
        order: list[int] = []
        chosen = 0
        while likely and len(order) < self._most:
            chance, index, count = heapq.heappop(likely)
            order.append(index)
            tokens -= chance
            if tokens > best * (plain_s + costs[len(order)]):
                best, chosen = tokens / (plain_s + costs[len(order)]), len(order)
            right, guesses = found[index]
            if count < len(guesses):
                heapq.heappush(likely, (chance * right, index, count + 1))
        for index in order[:chosen]:
            batch[index][1].guessed += 1
        for index, (_, part) in enumerate(batch):
            if part.guessed:
                part.tokens = [*part.tokens, *found[index][1][: part.guessed]]
        self._skip(batch)

    @staticmethod
    def _skip(batch: list[tuple[Sequence, Part]]) -> None:
        for sequence, part in batch:
            if not part.guessed and sequence.guesser is not None:
                sequence.guesser.skipped()

    def _guesses(self, batch: list[tuple[Sequence, Part]], needed: float) -> dict[int, tuple[float, list[int]]]:
        """By the place in the batch, of answers whose guesses are right with a chance of at least `needed`: that chance, and what."""
        found = {}
        for index, (sequence, _) in enumerate(batch):
            guesser = sequence.guesser
            if guesser is None:
                continue
            guesser.follow(sequence.tokens)
            if guesser.right >= needed:
                most = min(self._most, sequence.max_tokens - sequence.generated - 1, self._context - len(sequence.tokens))
                guesses = guesser.guess(sequence.tokens, most) if most > 0 else []
                if guesses:
                    found[index] = guesser.right, guesses
        return found

    def _costs(self, token_s: float) -> list[float]:
        """What 0, 1, 2 ... guesses add to a step: as measured, between two measured ones in proportion, beyond as a prompt's tokens."""
        costs = [0.0]
        for count in sorted(self._cost_s):
            known, before, steps = self._cost_s[count], costs[-1], count + 1 - len(costs)
            costs += [before + (known - before) * step / steps for step in range(1, steps + 1)]
        costs += [costs[-1] + step * token_s for step in range(1, self._most + 2 - len(costs))]
        return costs

    def learn(self, guessed: int, right: int, seconds: float, plain_s: float, token_s: float | None) -> None:
        """From a step that read no prompt; plain_s: what it takes without guesses.

        Without new evidence the costs drift back to those of a prompt's tokens: they may have been high because the machine was busy. A
        step that took far longer than expected was kept waiting by something else, and says little.
        """
        self.guessed += guessed
        self.right += right
        if guessed:
            cost = max(0.0, seconds - plain_s)
            known = self._cost_s.get(guessed, cost)
            self._cost_s[guessed] = known + 0.2 * (min(cost, _SURPRISE * max(known, plain_s / 10)) - known)
        elif token_s is not None:
            for count, known in self._cost_s.items():
                self._cost_s[count] = known + 0.005 * (count * token_s - known)
