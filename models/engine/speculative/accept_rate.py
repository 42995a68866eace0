"""Estimate how often the draft tokens of one answer are accepted."""

from __future__ import annotations

from dataclasses import dataclass

PRIOR = 0.7
"""The accept rate assumed before anything is known."""
RECOVERY = 0.002
"""How much of that is restored with each token that had no draft."""


@dataclass(slots=True)
class AcceptRate:
    """value: how often a draft token is accepted whose predecessors were."""

    value: float

    def learn(self, drafted: int, accepted: int) -> None:
        """Learn how many of the drafted tokens, from the first on, were accepted."""
        checked = accepted + (accepted < drafted)
        self.value += (1 - 0.8**checked) * (accepted / checked - self.value)

    def skipped(self) -> None:
        """Learn that a token had no draft."""
        self.value = max(self.value, min(PRIOR, self.value + RECOVERY))
