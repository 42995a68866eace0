"""One answer without a stored chat, for programs: the prompt comes whole, only the generation row stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

from core.clock import Clock
from core.errors import PortalError
from core.inference.ports import Router
from core.inference.records import FinishReason, Generation, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, GenerationRequest, RunningGeneration
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import Store

log = logging.getLogger(__name__)


class Completion:
    """A running answer. Iterate `events()` to the end; the generation row is written then, however it ends."""

    def __init__(self, completion_id: str, user: User, generation: RunningGeneration, store: Store, clock: Clock) -> None:
        self.id = completion_id
        self.created_at = clock()
        self.model = generation.model
        self.ignored = generation.ignored
        self._user = user
        self._generation = generation
        self._store = store

    @property
    def fingerprint(self) -> str:
        """Changes with the model's file and with what runs it."""
        made_by = f"{self._generation.model_version} {self._generation.engine}"
        return f"fp_{sha256(made_by.encode()).hexdigest()[:12]}"

    def cancel(self) -> None:
        self._generation.cancel()

    def events(self) -> Iterator[GenerationEvent]:
        """As RunningGeneration.events(). Closing the iterator early cancels the generation."""
        finished: Finished | None = None
        error: str | None = None
        tokens = 0
        try:
            for event in self._generation.events():
                if isinstance(event, Delta):
                    tokens = event.tokens
                elif isinstance(event, Finished):
                    finished = event
                yield event
        except PortalError as problem:
            error = str(problem)
            raise
        finally:
            if finished is None:
                self._generation.cancel()
            self._record(finished, error, tokens)

    def _record(self, finished: Finished | None, error: str | None, tokens: int) -> None:
        reason = finished.finish_reason if finished else FinishReason.ERROR if error else FinishReason.CANCELLED
        row = Generation(
            id=self.id,
            user_id=self._user.id,
            group=self._user.group,
            created_at=self.created_at,
            model=self.model,
            model_version=self._generation.model_version,
            platform=self._generation.platform,
            usage=finished.usage if finished else Usage(completion_tokens=tokens),
            timings=finished.timings if finished else Timings(),
            finish_reason=reason,
            source="api",
            error=error or (finished.note if finished else None),
        )
        try:
            with self._store() as work:
                work.generations.add(row)
                work.commit()
        except PortalError as problem:
            # The program has its answer; only the statistics lose a row.
            log.error("generation %s could not be recorded: %s", self.id, problem)


class Completions:
    def __init__(self, store: Store, router: Router, clock: Clock) -> None:
        self._store = store
        self._router = router
        self._clock = clock

    def start(self, user: User, request: GenerationRequest) -> Completion:
        """Raises what Router.start raises, and NotAllowed."""
        require(user.role, Permission.CHAT)
        completion_id = uuid4().hex
        return Completion(completion_id, user, self._router.start(replace(request, id=completion_id)), self._store, self._clock)
