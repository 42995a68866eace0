"""Check, route and record every request to a model, for chats, programs, embeddings and reranking."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import uuid4

from core.access.limits import Limits
from core.clock import Clock
from core.errors import NotFound, PortalError, StoredError
from core.images.images import Images
from core.inference.caching.cached_embedding import cached_embedding
from core.inference.caching.embedding_cache import EmbeddingCache
from core.inference.caching.result_cache import ResultCache, StartedAnswer
from core.inference.choosing.resolver import ModelResolver
from core.inference.detection import Detected, DetectionRequest, Detectors, Grounders
from core.inference.ports import FilterFinder, Router
from core.inference.private import embedding_without, filtered_request, request_without, rerank_without
from core.inference.records import WITHOUT_TOOLS, FinishReason, Generation, ServedModel, Source, Timings, Usage
from core.inference.requests import GenerationEvent, GenerationRequest, PromptTokens
from core.inference.running.answer import Answer
from core.inference.running.computed_vectors import Vectors
from core.inference.running.counted import Counted
from core.inference.running.rows import generation_row
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.inference.vision import Vision, seeing
from core.models.records import ModelKind
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)


class Gateway:
    """Checks rights and limits, finds the model, and records what every request used."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        router: Router,
        clock: Clock,
        privacy: PrivacyFilter | None = None,
        images: Images | None = None,
        cache: EmbeddingCache | None = None,
        *,
        detectors: Detectors | None = None,
        filters: FilterFinder | None = None,
        results: ResultCache | None = None,
    ) -> None:
        """images: decodes the images of requests; None: they are refused. cache: keeps vectors; None: all are computed.

        detectors: None where nothing can find boxes. filters: finds the message filters of plugins; None: there are none.
        results: keeps answers of deterministic requests; None: the model is always asked.
        """
        self._results = results
        self._filters = filters
        self.cache = cache
        self._vision = Vision(images)
        self._detectors = detectors
        self._unit_of_work = unit_of_work
        self._router = router
        self._clock = clock
        self.privacy = privacy or PrivacyFilter(unit_of_work, clock)
        self.limits = Limits(unit_of_work, clock)
        self._resolver = ModelResolver(unit_of_work, self.served)

    def now(self) -> datetime:
        return self._clock()

    def served(self) -> Sequence[ServedModel]:
        """Return the models of every kind that can be asked now, the default for chats first."""
        return self._router.models()

    def models(self, user: User) -> Sequence[ServedModel]:
        """Return the models and presets of every kind that this person can ask, the default for chats first. Raises NotAllowed."""
        require(user, Permission.CHAT)
        return self._resolver.listed(user)

    def chat_models(self, user: User) -> Sequence[ServedModel]:
        """Return the models and presets this person can chat with, the default first. Raises NotAllowed."""
        return [model for model in self.models(user) if model.kind is ModelKind.CHAT]

    def chat_model(self, user: User, name: str | None) -> ServedModel | None:
        """Return the model that a chat with this choice would use: the default if the choice is not served, None without models."""
        models = self.chat_models(user)
        return next((model for model in models if name in model.names), next(iter(models), None))

    def answer(self, user: User, request: GenerationRequest, source: Source) -> Answer:
        """Start an answer whose caller records it. Raises NotAllowed, LimitReached, PersonalData, and what Router.start raises."""
        require(user, Permission.CHAT)
        # First, since the rest reads the database several times: refusing must cost little when many ask.
        self.check_room(user.id, batch=request.batch)
        request = self._seen(user, request)
        counts = source in (Source.CHAT, Source.API)
        request = self._resolver.chat(user, request, tools=source not in WITHOUT_TOOLS, counted=counts)
        filters = self._filters.filters(user) if self._filters is not None else None
        if filters is not None:
            request = filtered_request(filters, request)
        change, mask = self.privacy.both(user)
        if change is not None:
            request = request_without(change, request)
        answer_id = request.id or uuid4().hex
        counted = self._admitted(user, request.model, replaceable=True)
        with counted.given_back_on_failure():
            if counted.model is not None:
                request = self._resolver.chat(user, replace(request, model=counted.model), tools=False)
            start = partial(self._router.start, replace(request, id=answer_id))
            begun = StartedAnswer(start()) if self._results is None else self._results.begin(user, request, source, self.served, start)
        return Answer(answer_id, user, begun.running, source, self._clock(), counted, mask, filters, begun.cached_at, request.variant)

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy if no chat model can take a question of this person now. Reads no database. batch: nobody watches, so it may wait."""
        if self._results is None or not self._results.most_bytes:  # A full model keeps nobody from a cached answer.
            self._router.check_room(user_id, batch=batch)

    def next_target(self, user: User, failed: str) -> str | None:
        """Return the model and platform (glm@gateway) that can replace one that failed; None if there is none. Raises NotAllowed."""
        require(user, Permission.CHAT)
        choice = self._resolver.choice_of(user)
        for model in (failed.rpartition("@")[0] or None, None):
            request = GenerationRequest(messages=(), user_id=user.id, model=model, group=user.group, denied_models=choice.denied_models)
            for target in self._router.targets(request):
                if target != failed and choice.may_use(target):
                    return target
        return None

    def targets(self, user: User, model: str | None) -> Sequence[str]:
        """Return the models and platforms (glm@gateway) that may answer a question now; none if there is only this process."""
        require(user, Permission.CHAT)
        request = GenerationRequest(messages=(), user_id=user.id, model=model, group=user.group)
        return self._router.targets(self._resolver.chat(user, request, tools=False))

    def prompt_tokens(self, user: User, request: GenerationRequest) -> PromptTokens:
        """Return the prompt of a request in tokens, without running it. Raises NotAllowed, and what Router.prompt_tokens raises."""
        require(user, Permission.CHAT)
        return self._router.prompt_tokens(self._resolver.chat(user, self._seen(user, request), tools=True))

    def pieces(self, user: User, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        """Return the text of tokens. Raises NotAllowed, and what Router.pieces raises."""
        require(user, Permission.CHAT)
        asked = self._resolver.chat(user, GenerationRequest(messages=(), user_id=user.id, model=model, prompt=""), tools=False)
        return self._router.pieces(asked.model, tokens)

    def embed(self, user: User, request: EmbeddingRequest) -> Vectors:
        """Start computing embeddings. Raises NotAllowed, and what Router.embed raises."""
        require(user, Permission.CHAT)
        model, denied_models = self._resolver.vectors(user, request.model, ModelKind.EMBEDDING)
        if (change := self.privacy.incoming(user)) is not None:
            request = embedding_without(change, request)
        request = replace(request, model=model, group=user.group, denied_models=denied_models)
        counted = self._admitted(user, model)
        with counted.given_back_on_failure():
            running = cached_embedding(self._router, self.cache, request) if self.cache is not None else self._router.embed(request)
            return Vectors(user, running, Source.EMBEDDING, self._clock(), counted, self.record)

    def rerank(self, user: User, request: RerankRequest) -> Vectors:
        """Start ranking documents. Raises NotAllowed, and what Router.rerank raises."""
        require(user, Permission.CHAT)
        model, denied_models = self._resolver.vectors(user, request.model, ModelKind.RERANKING)
        if (change := self.privacy.incoming(user)) is not None:
            request = rerank_without(change, request)
        request = replace(request, model=model, group=user.group, denied_models=denied_models)
        counted = self._admitted(user, model)
        with counted.given_back_on_failure():
            return Vectors(user, self._router.rerank(request), Source.RERANK, self._clock(), counted, self.record)

    def grounders(self, user: User, model: str | None = None) -> Grounders:
        """Return the models that can find boxes for this person now, in order. model: only this one. Raises NotAllowed."""
        require(user, Permission.CHAT)
        choice = self._resolver.choice_of(user)
        if model is not None:
            choice.check(model)
        return self._detectors.grounders(model, user.group, choice.denied_models) if self._detectors is not None else Grounders()

    def detect(self, user: User, request: DetectionRequest) -> Detected:
        """Ask a detector and write its generation row. Raises NotAllowed, LimitReached, PersonalData, and what Detectors raises."""
        require(user, Permission.CHAT)
        if self._detectors is None:
            raise NotFound("There is no model {model}.", model=request.model[:200])
        choice = self._resolver.choice_of(user)
        choice.check(request.model)
        if (change := self.privacy.incoming(user)) is not None:
            request = replace(request, phrases=tuple(change(each) for each in request.phrases))
        counted = self._admitted(user, request.model)
        with counted.given_back_on_failure():
            running = self._detectors.detect(replace(request, group=user.group, denied_models=choice.denied_models))
        began = self._clock()

        def record(timings: Timings, reason: FinishReason, error: StoredError | None = None) -> None:
            row = generation_row(
                user,
                running,
                id=uuid4().hex,
                created_at=began,
                source=Source.GROUNDING,
                usage=Usage(),
                timings=timings,
                finish_reason=reason,
                error=error,
            )
            self.record(row)

        try:
            done = running.result()
        except PortalError as problem:
            record(Timings(), FinishReason.ERROR, StoredError.of(problem))
            raise
        finally:
            counted.ended(0)
        record(done.timings, FinishReason.STOP)
        return done

    def _seen(self, user: User, request: GenerationRequest) -> GenerationRequest:
        """Return a request with images for a model that sees, its images decoded. Raises as Vision.prepared and seeing do."""
        if not request.images:
            return request
        model = seeing(request, self.models(user), named=request.model is not None)
        return self._vision.prepared(user, replace(request, model=model))

    def _admitted(self, user: User, model: str | None, *, replaceable: bool = False) -> Counted:
        """Count a request against the limits. replaceable: whether another model can answer at a limit. Raises LimitReached."""
        return Counted(self.limits, user, self.limits.admit(user, model, replaceable=replaceable))

    def record(self, row: Generation) -> None:
        """Write a generation row. The caller has its answer already, so a failure is only logged."""
        try:
            with self._unit_of_work() as work:
                work.generations.add(row)
                work.commit()
        except PortalError as problem:
            log.error("The generation %s (%s) could not be recorded: %s", row.id, row.source, problem)

    def recorded(self, answer: Answer) -> Generator[GenerationEvent]:
        """Yield the events of an answer and write its row at the end, however it ends."""
        try:
            yield from answer.events()
        finally:
            self.record(answer.row())
