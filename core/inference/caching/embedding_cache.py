"""Cache the vectors of texts, so that a model computes each text only once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from core.clock import Clock
from core.errors import PortalError
from core.inference.vectors import CachedVector, Embedded, EmbeddingRequest
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

KEPT_DAYS = 30
"""Days until a vector is computed again: the weights behind a remote model's name may change."""
EXPIRE = "embedding.expire"
TOUCHED = timedelta(hours=1)
"""How often the last use of a vector is recorded."""
TRIMMED = 0.9
"""Share of the space that stays in use after a full cache is trimmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """asked, found: texts since this server's start. stored, bytes: of all servers. most_bytes: 0 if the cache is off."""

    asked: int
    found: int
    stored: int
    bytes: int
    most_bytes: int


class EmbeddingCache:
    """Shared by all people and servers. Safe from any thread."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, most_bytes: int) -> None:
        """most_bytes: space for the vectors; 0 switches the cache off."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._asked = self._found = 0
        self._added = most_bytes
        """Bytes stored since the size was last read; unknown at first."""

    def find(self, version: str, request: EmbeddingRequest) -> Mapping[int, CachedVector]:
        """Return the stored vectors, by the index of their input."""
        keys = [key_of(version, request, one) for one in request.inputs]
        now = self._clock()
        try:
            with self._unit_of_work() as work:
                kept = {each.key: each for each in work.embeddings.find(set(keys))}
                if kept and work.embeddings.touch(list(kept), now, now - TOUCHED):
                    work.commit()
        except PortalError as problem:
            log.warning("The embedding cache could not be read: %s", problem)
            return {}
        found = {index: kept[key] for index, key in enumerate(keys) if key in kept}
        with self._lock:
            self._asked += len(keys)
            self._found += len(found)
        return found

    def keep(self, version: str, request: EmbeddingRequest, done: Embedded) -> None:
        """Store the vectors of a request. The caller has them already, so a failure is only logged."""
        tokens = shares(done.usage.prompt_tokens, [len(one) for one in request.inputs])
        rows = {
            key: CachedVector(key=key, vector=row, tokens=count)
            for key, row, count in zip((key_of(version, request, one) for one in request.inputs), done.rows, tokens, strict=True)
        }
        size = sum(_size(each) for each in rows.values())
        if size > self.most_bytes * TRIMMED:
            return
        with self._lock:
            self._added += size
            full = self._added > self.most_bytes * (1 - TRIMMED)
        try:
            with self._unit_of_work() as work:
                work.embeddings.add(list(rows.values()), self._clock())
                if full:
                    _, stored = work.embeddings.size()
                    if stored > self.most_bytes:
                        work.embeddings.drop_oldest(stored - int(self.most_bytes * TRIMMED))
                work.commit()
        except PortalError as problem:
            log.warning("Vectors could not be kept: %s", problem)
            return
        if full:
            with self._lock:
                self._added = 0

    def stats(self) -> CacheStats:
        """Return what the cache holds and how often it helped. Raises Unavailable."""
        with self._unit_of_work() as work:
            stored, size = work.embeddings.size()
        with self._lock:
            return CacheStats(asked=self._asked, found=self._found, stored=stored, bytes=size, most_bytes=self.most_bytes)

    def counted(self) -> tuple[int, int]:
        """Return how many texts were asked and found since the start."""
        with self._lock:
            return self._asked, self._found

    def clear(self) -> int:
        """Delete every vector; returns how many."""
        with self._unit_of_work() as work:
            removed = work.embeddings.remove_before(None)
            work.commit()
        return removed

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(EXPIRE, self._expire, every=timedelta(days=1), most_tries=3, resumable=True)]

    def _expire(self, job: Job, report: Report) -> Mapping[str, Json]:
        before = None if self.most_bytes == 0 else self._clock() - timedelta(days=KEPT_DAYS)
        with self._unit_of_work() as work:
            removed = work.embeddings.remove_before(before)
            work.commit()
        return {"removed": removed}


def key_of(version: str, request: EmbeddingRequest, one: str | tuple[int, ...]) -> str:
    """Hash what determines a vector: the model's version, the input, and how it is cut."""
    text = "s" + one if isinstance(one, str) else "t" + ",".join(map(str, one))
    head = f"{version}\0{request.dimensions or 0}\0{int(request.truncate)}\0"
    return sha256((head + text).encode("utf-8", "surrogatepass")).hexdigest()


def shares(whole: int, lengths: Sequence[int]) -> list[int]:
    """Divide tokens among texts by length, so that they add up. A model reports only the total of a request."""
    # An empty text still has its special tokens.
    total, before, given = sum(lengths) + len(lengths), 0, 0
    found = []
    for length in lengths:
        before += length + 1
        now = round(whole * before / total)
        found.append(now - given)
        given = now
    return found


def _size(kept: CachedVector) -> int:
    return len(kept.vector) * kept.vector.itemsize + len(kept.key)
