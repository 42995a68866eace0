"""Learn how often the model's own next-token layer (MTP) is right for one answer."""

from __future__ import annotations

from dataclasses import dataclass

HOPE = 0.7
"""The share of draft tokens that is expected to be accepted before anything is known."""
RECOVERY = 0.002
"""How much of that comes back with each token that had no draft."""


@dataclass(slots=True)
class Draft:
    """Of one answer: how often a guess is right whose forerunners were."""

    right: float

    def learn(self, guessed: int, right: int) -> None:
        """Of `guessed` tokens the first `right` came."""
        tried = right + (right < guessed)
        self.right += (1 - 0.8**tried) * (right / tried - self.right)

    def skipped(self) -> None:
        self.right = max(self.right, min(HOPE, self.right + RECOVERY))
