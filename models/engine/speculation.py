"""Guessing the next tokens from the conversation itself, and checking all guesses in one decode.

Answers that edit, quote or summarize repeat what stands before them. Where the last tokens occurred earlier, what followed there is guessed
to follow again. Each guess is sampled for as if it had been decoded alone, so that the answer stays the same, token by token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.engine.backend import Part
    from models.engine.sequence import Sequence

_MATCH = 3
"""How many last tokens must have occurred before."""
_WINDOW = 16_384
"""How much of a prompt is looked at."""
_FIRST, _LONGEST = 4, 16
_HOPE = 0.7
"""The share of guesses that is expected to be right before anything is known."""
_RECOVERY = 0.004
"""How much of the hope comes back with each token that was not guessed at."""
_SURPRISE = 2.0
_MARGIN = 1.2
"""Guesses must promise this much more than they cost."""


class Guesser:
    """Of one answer: what may come next, and how often that was right."""

    def __init__(self, tokens: list[int]) -> None:
        """Reads the prompt's last tokens, 0.1 ms for 1,000 of them: not on the decode thread."""
        self._length = _FIRST
        self.right = _HOPE
        begin = max(0, len(tokens) - _WINDOW)
        recent = tokens[begin:]
        grams = zip(recent, recent[1:], recent[2:-1], strict=False)
        self._follows = dict(zip(grams, range(begin + _MATCH, len(tokens)), strict=False))
        self._indexed = len(tokens)

    def guess(self, tokens: list[int], most: int) -> list[int]:
        """At most `most` tokens that may follow; none where the end has no precedent."""
        for end in range(self._indexed, len(tokens)):
            self._follows[tokens[end - 3], tokens[end - 2], tokens[end - 1]] = end
        self._indexed = len(tokens)
        place = self._follows.get((tokens[-3], tokens[-2], tokens[-1])) if len(tokens) >= _MATCH else None
        return tokens[place : place + min(most, self._length)] if place is not None else []

    def learn(self, guessed: int, right: int) -> None:
        """Of `guessed` tokens the first `right` came."""
        self.right += 0.25 * (right / guessed - self.right)
        self._length = min(2 * self._length, _LONGEST) if right == guessed else max(2, right + 1)

    def skipped(self) -> None:
        self.right = min(_HOPE, self.right + _RECOVERY)


class Speculation:
    """Adds guesses to batches where they pay, by what they cost and bring on this machine with this model."""

    def __init__(self, most: int, context: int) -> None:
        """most: guesses that one decode can check. context: tokens a slot can hold."""
        self._most = most
        self._context = context
        self._plain_s: dict[int, float] = {}
        """What a step without guesses takes, by the number of answers in it."""
        self._guess_s: float | None = None
        """What one more token adds to a step; None before the first guess, when a prompt's token is taken for it."""
        self.guessed = 0
        self.right = 0

    @property
    def possible(self) -> bool:
        return self._most > 0

    def costs(self, answers: int, prefill_s_per_token: float | None) -> tuple[float | None, float | None]:
        """Seconds that a step of so many answers takes without guesses, and that each guess adds; None while unknown."""
        return self._plain_s.get(answers), self._guess_s if self._guess_s is not None else prefill_s_per_token

    def extend(self, batch: list[tuple[Sequence, Part]], prefill_s_per_token: float | None) -> None:
        """Add guesses to the parts of a batch that reads no prompt."""
        answers = len(batch)
        plain, cost = self.costs(answers, prefill_s_per_token)
        if not self._most or plain is None or cost is None or any(len(part.tokens) > 1 for _, part in batch):
            return
        needed = cost * _MARGIN * answers / plain
        if needed >= 1:
            return
        room = self._most
        for sequence, part in batch:
            guesser = sequence.guesser
            if guesser is None:
                continue
            if guesser.right < needed:
                guesser.skipped()
                continue
            most = min(room, sequence.max_tokens - sequence.generated - 1, self._context - len(sequence.tokens))
            guesses = guesser.guess(sequence.tokens, most) if most > 0 else []
            if guesses:
                part.tokens = [*part.tokens, *guesses]
                part.guessed = len(guesses)
                room -= part.guessed

    def learn(self, answers: int, guessed: int, right: int, seconds: float, prefill_s_per_token: float | None) -> None:
        """From a step that read no prompt. Without new evidence the cost drifts back to that of a prompt's token.

        A step that took far longer than expected was kept waiting by something else, and says little.
        """
        plain = self._plain_s.get(answers)
        self.guessed += guessed
        self.right += right
        if not guessed:
            self._plain_s[answers] = seconds if plain is None else plain + 0.1 * (min(seconds, _SURPRISE * plain) - plain)
            if self._guess_s is not None and prefill_s_per_token is not None:
                self._guess_s += 0.005 * (prefill_s_per_token - self._guess_s)
        elif plain is not None:
            cost = max(0.0, seconds - plain) / guessed
            known = self._guess_s if self._guess_s is not None else prefill_s_per_token
            self._guess_s = cost if known is None else known + 0.1 * (min(cost, _SURPRISE * max(known, plain / 10)) - known)
