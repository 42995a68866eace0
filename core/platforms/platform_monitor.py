"""Show and test the platforms, and explain where a question goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.inference.caching.embedding_cache import CacheStats, EmbeddingCache
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest, SamplingParams
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.platforms.ports import RouterView
from core.platforms.records import PlatformState, Route, Tested
from core.unit_of_work import UnitOfWorkFactory

TEST_QUESTION = "Say hello in one short sentence."
TEST_TOKENS = 64
MAX_TEST_LENGTH = 2_000
MAX_QUESTION_LENGTH = 100_000


class PlatformMonitor:
    """Shows and tests platforms for people who may run models."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, router: RouterView, gateway: Gateway, cache: EmbeddingCache
    ) -> None:
        self._cache = cache
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._router = router
        self._gateway = gateway

    def states(self, user: User) -> Sequence[PlatformState]:
        """Return the state of every platform, with today's cost."""
        require(user, Permission.RUN_MODELS)
        midnight = self._clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with self._unit_of_work() as work:
            costs = work.generations.costs(midnight)
        return [replace(each, cost_today=costs.get(each.name, 0.0) if each.currency else None) for each in self._router.states()]

    def explain(self, user: User, question: str, *, model: str | None = None, group: str = "", task: Task = Task.CHAT) -> Route:
        """Return where a question of a person in this group would go now."""
        require(user, Permission.RUN_MODELS)
        if len(question) > MAX_QUESTION_LENGTH:
            raise InvalidInput("{field} has {length} characters; the limit is {most}.", field="question", length=len(question),
                               most=MAX_QUESTION_LENGTH)  # fmt: skip
        messages = (ChatMessage(ChatRole.USER, question),)
        return self._router.explain(GenerationRequest(messages=messages, user_id=user.id, model=model, group=group, task=task))

    def reload(self, user: User, name: str) -> None:
        """Refresh a platform's list of models now. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        self._router.reload(name)

    def embeddings(self, user: User) -> CacheStats:
        """Return the size and the hit counts of the embedding cache. Raises Unavailable."""
        require(user, Permission.RUN_MODELS)
        return self._cache.stats()

    def clear_embeddings(self, user: User) -> int:
        """Delete every vector of the embedding cache; returns how many."""
        require(user, Permission.RUN_MODELS)
        removed = self._cache.clear()
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "platforms.clear_embeddings", "", removed=str(removed))
            work.commit()
        return removed

    def test(self, user: User, name: str, question: str = TEST_QUESTION) -> Tested:
        """Ask a platform a test question through the gateway. Raises NotFound, InvalidInput, and the errors of the gateway."""
        require(user, Permission.RUN_MODELS)
        state = next((each for each in self._router.states() if each.name == name), None)
        if state is None:
            raise NotFound("There is no platform {platform}.", platform=name[:80])
        if not state.models:
            raise InvalidInput("{platform} has no model for chats, as far as known.", platform=name)
        request = GenerationRequest(
            messages=(ChatMessage(ChatRole.USER, question[:MAX_TEST_LENGTH]),), user_id=user.id, model=f"{state.models[0]}@{name}",
            params=SamplingParams(max_tokens=TEST_TOKENS), thinking=False,
        )  # fmt: skip
        answer = self._gateway.answer(user, request, Source.API)
        text = "".join(event.text or event.reasoning for event in self._gateway.recorded(answer) if isinstance(event, Delta))
        row = answer.row()
        return Tested(
            target=f"{row.model}@{row.platform}", text=text.strip(), ttft_s=row.timings.ttft_s, duration_s=row.timings.duration_s
        )
