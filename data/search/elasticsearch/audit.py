"""Store the audit log in Elasticsearch, in several indices that each start at an event number. It grows, and nothing may be lost.

An event that is written again must overwrite itself, so its id alone determines its index: the one with the highest start not above it. The
name of an alias contains each start, which is how all portals know them. A new index starts some numbers ahead; by the time events reach
its start, every portal knows of it.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer

AHEAD = 10_000
"""Events between the newest and the start of a new index: more than are written within MAINTAIN_EVERY_S."""
MAINTAIN_EVERY_S = 600.0
FIRST = "0" * 16

Making = Callable[[], tuple[dict[str, Any], dict[str, Any]]]
"""Settings and mappings of a new index."""


class AuditIndices:
    """Manages the audit indices. alias: the indices that searches read; `alias`-write covers all up-to-date indices. Raises the client's
    errors."""

    def __init__(self, server: ElasticsearchServer, alias: str, limits: RolloverLimits) -> None:
        self._indices = server.writer.indices
        self._client = server.client
        self._alias, self._write_alias = alias, f"{alias}-write"
        self._limits = limits
        self._starts = [FIRST]
        self._maintained_at = float("-inf")

    def alias_of(self, id: str) -> str:
        """Return the alias that an event is written to."""
        return self._named(self._starts[max(0, bisect_right(self._starts, id) - 1)])

    def actions(self, name: str) -> list[dict[str, Any]]:
        """Return the alias changes that make this the only index that events are written to."""
        found = self._indices.get_alias(name=self._named("*"))
        old = [(other, alias) for other, each in found.items() for alias in each["aliases"] if (other, alias) != (name, self._named(FIRST))]
        removed = [{"remove": {"index": other, "alias": alias}} for other, alias in old]
        return [*removed, {"add": {"index": name, "alias": self._named(FIRST)}}]

    def prepare(self) -> None:
        """Learn the starts of the indices. The single index of an earlier release has none yet."""
        self._learn()
        if not self._starts:
            [only] = self._indices.get_alias(name=self._write_alias)
            self._indices.update_aliases(actions=[{"add": {"index": only, "alias": self._named(FIRST)}}])
            self._starts = [FIRST]

    def maintain(self, made_of: Making) -> None:
        """Maintain the indices: learn of new ones, start one if the current one is large enough, delete those without events."""
        if time.monotonic() - self._maintained_at < MAINTAIN_EVERY_S:
            return
        self._roll_over(made_of)
        self._remove_empty()
        self._learn()
        self._maintained_at = time.monotonic()

    def _roll_over(self, made_of: Making) -> None:
        behind = self._indices.get_alias(name=self._write_alias)
        [present] = [name for name, each in behind.items() if each["aliases"][self._write_alias].get("is_write_index")]
        newest = self._client.search(index=self._write_alias, size=1, sort=[{"id": "desc"}], source=False)["hits"]["hits"]
        if not newest or newest[0]["_id"] < max(self._starts):  # Events have not reached the current index yet.
            return
        start = str(int(newest[0]["_id"]) + AHEAD).zfill(len(FIRST))
        settings, mappings = made_of()
        # Named after the current one: if two portals do this at once, the second finds the index there and uses it.
        self._client.options(ignore_status=400).indices.rollover(
            alias=self._write_alias,
            new_index=_next_name(present),
            conditions=self._limits.conditions(),
            settings=settings,
            mappings=mappings,
            aliases={self._alias: {}, self._named(start): {}},
        )

    def _remove_empty(self) -> None:
        """Delete indices without rows; tombstones alone do not keep an index."""
        for name, each in self._indices.get_alias(name=self._write_alias).items():
            if not each["aliases"][self._write_alias].get("is_write_index"):
                self._indices.refresh(index=name)
                if self._client.count(index=name, query={"term": {"deleted": False}})["count"] == 0:
                    self._indices.delete(index=name)

    def _learn(self) -> None:
        found = self._indices.get_alias(name=self._named("*"))
        aliases = {alias for each in found.values() for alias in each["aliases"]}
        self._starts = sorted(alias.removeprefix(self._named("")) for alias in aliases)

    def _named(self, start: str) -> str:
        return f"{self._write_alias}-from-{start}"


def _next_name(present: str) -> str:
    numbered = re.fullmatch(r"(.+)-r(\d{6})", present)
    return f"{numbered[1]}-r{int(numbered[2]) + 1:06}" if numbered else f"{present}-r000002"
