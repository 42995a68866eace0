"""Store the log lines of all portals in Elasticsearch: numbered indices behind a read alias and a write alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer

SCHEMA_VERSION = 1
"""Part of the index names. Raise it when the mappings change; the next start then writes into a new index."""

_WORD = {"type": "keyword", "ignore_above": 256}
_MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "@timestamp": {"type": "date"},
        "host": _WORD,
        "level": _WORD,
        "logger": _WORD,
        "message": {"type": "text"},
        "request_id": _WORD,
        "user_id": _WORD,
        "turn_id": _WORD,
        "model": _WORD,
        "thread": _WORD,
        "exception": {"type": "text"},
    },
}
_SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0, "auto_expand_replicas": "0-1"}


class ElasticsearchLogs:
    """Keeps lines for `kept`, counted from an index's newest line. All methods raise Unavailable."""

    def __init__(self, server: ElasticsearchServer, limits: RolloverLimits, retention: timedelta) -> None:
        self._server = server
        self._limits = limits
        self._retention = retention
        self._alias = f"{server.prefix}-logs"
        self._write_alias = f"{self._alias}-write"

    def prepare(self) -> None:
        """Create an index of this version for writing, if it does not exist yet."""
        self._server.check()
        indices = self._server.writer.indices
        with self._server.available():
            behind = list(indices.get_alias(name=self._write_alias)) if indices.exists_alias(name=self._write_alias) else []
            version = f"{self._alias}-v{SCHEMA_VERSION}-"
            if any(name.startswith(version) for name in behind):
                return
            first = f"{version}000001"
            if not indices.exists(index=first):
                indices.create(index=first, settings=_SETTINGS, mappings=_MAPPINGS, aliases={self._alias: {}})
            actions: list[dict[str, Any]] = [{"remove": {"index": name, "alias": self._write_alias}} for name in behind]
            indices.update_aliases(actions=[*actions, {"add": {"index": first, "alias": self._write_alias, "is_write_index": True}}])

    def write(self, lines: Sequence[tuple[str, Mapping[str, str]]]) -> int:
        """Write lines with unique ids, so that resending after a timeout adds no duplicates. Returns how many were rejected."""
        operations: list[dict[str, Any]] = []
        for id, fields in lines:
            operations.append({"create": {"_index": self._write_alias, "_id": id, "require_alias": True}})
            operations.append({"@timestamp" if name == "time" else name: value for name, value in fields.items()})
        return len([reason for reason in self._server.bulk(operations) if reason is not None])

    def maintain(self, now: datetime) -> None:
        """Start a new index if the current one is large enough, and delete those whose newest line is too old."""
        indices = self._server.writer.indices
        with self._server.available():
            indices.rollover(
                alias=self._write_alias,
                conditions=self._limits.conditions(),
                settings=_SETTINGS,
                mappings=_MAPPINGS,
                aliases={self._alias: {}},
            )
            behind = indices.get_alias(name=self._write_alias)
            written = {name for name, each in behind.items() if each["aliases"][self._write_alias].get("is_write_index")}
            for name in indices.get(index=f"{self._alias}-v*"):
                if name not in written and self._is_old(name, now):
                    indices.delete(index=name)

    def _is_old(self, name: str, now: datetime) -> bool:
        self._server.client.indices.refresh(index=name)
        newest = self._server.client.search(index=name, size=1, sort=[{"@timestamp": "desc"}])["hits"]["hits"]
        return not newest or datetime.fromisoformat(newest[0]["_source"]["@timestamp"]) < now - self._retention

    def close(self) -> None:
        self._server.close()
