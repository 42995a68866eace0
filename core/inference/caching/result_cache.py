"""Answer a repeated deterministic request from the cache, without asking the model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import PortalError
from core.inference.caching.records import CachedResult
from core.inference.caching.replayed import Recorded, Replayed
from core.inference.caching.results import cache_directive, is_repeatable, key_of, version_of
from core.inference.ports import RunningGeneration
from core.inference.records import FinishReason, ServedModel, Source
from core.inference.requests import Delta, Finished, GenerationRequest
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

EXPIRE = "result.expire"
TOUCHED = timedelta(hours=1)
"""How often the last use of a result is recorded."""
TRIMMED = 0.9
"""Share of the space that stays in use after a full cache is trimmed."""
LARGEST = 0.1
"""Largest share of the space that one result may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCacheStats:
    """asked, found: requests since this server's start. stored, bytes: of all servers. most_bytes: 0 if the cache is off."""

    asked: int
    found: int
    stored: int
    bytes: int
    most_bytes: int
    days: int


@dataclass(frozen=True, slots=True)
class StartedAnswer:
    """A running answer. cached_at: when it was first written, if it comes from the cache."""

    running: RunningGeneration
    cached_at: datetime | None = None


class ResultCache:
    """Shared by all servers, but not by people, unless their group shares results. Safe from any thread."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, most_bytes: int, days: int) -> None:
        """most_bytes: space for the answers; 0 switches the cache off. days: how long an answer stays valid."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.most_bytes = most_bytes
        self._age = timedelta(days=days)
        self._lock = threading.Lock()
        self._asked = self._found = 0

    def begin(
        self,
        user: User,
        request: GenerationRequest,
        source: Source,
        served: Callable[[], Sequence[ServedModel]],
        start: Callable[[], RunningGeneration],
    ) -> StartedAnswer:
        """Return a cached answer, or start one and cache it. Raises what `start` raises."""
        if not self.most_bytes or not is_repeatable(request, source) or not (version := version_of(request, served())):
            return StartedAnswer(start())
        group = self._sharing_group(user)
        key = key_of(request, version, f"group {group}" if group else f"person {user.id}")
        directive = cache_directive.get()
        of = request.cached_for or request.conversation_id or ""
        kept = None if request.fresh or (directive is not None and directive.bypass) else self._find(key, of)
        if directive is not None:
            directive.result = "hit" if kept else "miss"
        if kept is not None:
            return StartedAnswer(Replayed(kept), kept.created_at)

        def keep(running: RunningGeneration, deltas: list[Delta], end: Finished) -> None:
            whole = end.finish_reason in (FinishReason.STOP, FinishReason.LENGTH) and not end.note and not end.timings.retries
            # Another version or platform may have answered after all.
            if whole and running.model_version == version:
                self._keep(_result(key, user, group, of, running, deltas, end, self._clock()))

        return StartedAnswer(Recorded(start(), keep))

    def stats(self, user: User) -> ResultCacheStats:
        """Return what the cache holds and how often it helped. Raises NotAllowed, Unavailable."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            stored, size = work.results.size()
        asked, found = self.counted()
        return ResultCacheStats(
            asked=asked, found=found, stored=stored, bytes=size, most_bytes=self.most_bytes, days=self._age.days
        )  # fmt: skip

    def counted(self) -> tuple[int, int]:
        """Return how many requests were looked up and found since the start."""
        with self._lock:
            return self._asked, self._found

    def clear(self, user: User) -> int:
        """Delete every cached answer; returns how many. Raises NotAllowed."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            removed = work.results.remove_before(None)
            record(work, self._clock(), user.id, "models.clear_results", "", removed=str(removed))
            work.commit()
        return removed

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(EXPIRE, self._expire, every=timedelta(days=1), most_tries=3, resumable=True)]

    def _sharing_group(self, user: User) -> str:
        """Return the person's group if it shares results; else ""."""
        if not user.group:
            return ""
        with self._unit_of_work() as work:
            shares = any(group.shares_results for group in work.groups.all() if group.name == user.group)
        return user.group if shares else ""

    def _find(self, key: str, of: str) -> CachedResult | None:
        """Return a cached answer, which from now on belongs to the chat or response `of`, unless that is ""."""
        now = self._clock()
        kept = None
        try:
            with self._unit_of_work() as work:
                kept = work.results.find(key, now - self._age)
                if kept is not None:
                    moved = of not in ("", kept.conversation_id)
                    if moved:
                        work.results.give_to(key, of)
                    if work.results.touch(key, now, now - TOUCHED) or moved:
                        work.commit()
        except PortalError as problem:
            log.warning("The result cache could not be read: %s", problem)
        with self._lock:
            self._asked += 1
            self._found += kept is not None
        return kept

    def _keep(self, result: CachedResult) -> None:
        """Store an answer. The caller has it already, so a failure is only logged."""
        if result.size > LARGEST * self.most_bytes:
            return
        try:
            with self._unit_of_work() as work:
                work.results.put(result)
                _, stored = work.results.size()
                if stored > self.most_bytes:
                    work.results.drop_oldest(stored - int(self.most_bytes * TRIMMED))
                work.commit()
        except PortalError as problem:
            log.warning("An answer could not be kept in the result cache: %s", problem)

    def _expire(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            removed = work.results.remove_before(None if self.most_bytes == 0 else self._clock() - self._age)
            work.commit()
        return {"removed": removed}


def _result(
    key: str, user: User, group: str, chat: str, running: RunningGeneration, deltas: Sequence[Delta], end: Finished, at: datetime
) -> CachedResult:
    return CachedResult(
        key=key, user_id=user.id, group=group, conversation_id=chat, model=running.model, model_version=running.model_version,
        platform=running.platform, engine=running.engine, text="".join(each.text for each in deltas),
        reasoning="".join(each.reasoning for each in deltas), tool_calls=tuple(call for each in deltas for call in each.tool_calls),
        ignored=running.ignored, finish_reason=end.finish_reason, stop=end.stop, prompt_tokens=end.usage.prompt_tokens,
        completion_tokens=end.usage.completion_tokens, created_at=at,
    )  # fmt: skip
