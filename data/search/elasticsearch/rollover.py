"""Decide when a growing index is large enough to start a new one. The portal requests the rollover itself: no licence or server policy is
needed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RolloverLimits:
    """A new index is started when the current one reaches any of these."""

    days: int = 30
    megabytes: int = 10_000
    documents: int = 20_000_000

    def conditions(self) -> dict[str, object]:
        """Return the conditions for the server's rollover. An empty index is never old enough."""
        return {"max_age": f"{self.days}d", "max_size": f"{self.megabytes}mb", "max_docs": self.documents, "min_docs": 1}
