"""When an index that only grows has grown enough. The portal asks for it itself: no licence, no policy on the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RolloverLimits:
    """A new index is begun when the present one has reached any of these."""

    days: int = 30
    megabytes: int = 10_000
    documents: int = 20_000_000

    def conditions(self) -> dict[str, object]:
        """As the server's rollover takes them. An empty index never is old enough."""
        return {"max_age": f"{self.days}d", "max_size": f"{self.megabytes}mb", "max_docs": self.documents, "min_docs": 1}
