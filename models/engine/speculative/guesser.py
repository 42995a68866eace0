"""Find the earlier passage that an answer follows, and learn how often its tokens come true."""

from __future__ import annotations

_MATCH, _LOOKED_UP = 6, 3
"""How many last tokens must have occurred before; by how many of them that is looked up. Fewer meet by chance in any text."""
_WINDOW = 16_384
"""How much of a prompt is looked at."""
_HOPE, _WEIGHT = 0.7, 2.0
"""How likely a guess is right before anything is known, and how many guesses that counts as."""
_MEMORY = 0.98
"""What a guess counts for after each later one: an answer may quote here and not there."""
_RECOVERY = 0.004
"""How much of the hope comes back with each token that was not guessed at."""
_PATIENCE = 2
"""How many guesses may fail at once before the passage is given up."""


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
