"""The one way to a model, for chats, programs, embeddings and reranking: check, choose, route, record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import uuid4

from core.access.limits import Limits
from core.clock import Clock
from core.errors import NotAllowed, NotFound, PortalError, StoredError, Unavailable
from core.images.images import Images
from core.inference.cached_embedding import cached_embedding
from core.inference.choice import Choice, applied
from core.inference.counted import Counted
from core.inference.detection import Detected, DetectionRequest, Detectors, Grounders, RunningDetection
from core.inference.embedding_cache import EmbeddingCache
from core.inference.ports import Router
from core.inference.private import embedding_without, masked_events, request_without, rerank_without
from core.inference.records import FinishReason, Generation, ServedModel, Source, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, GenerationRequest, PromptTokens, RunningGeneration
from core.inference.vectors import Cancelled, Embedded, EmbeddingRequest, RerankRequest, RunningEmbedding
from core.inference.vision import Vision, seeing
from core.models.records import ModelKind
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.privacy.masking import StreamMask
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

GONE = "The model stopped before the answer was complete. The text so far is kept. Try again."


class Answer:
    """An answer that a model gives now. Iterate `events()` to the end; then `row()` says how it ended."""

    def __init__(
        self,
        answer_id: str,
        user: User,
        running: RunningGeneration,
        source: Source,
        created_at: datetime,
        counted: Counted,
        new_mask: Callable[[], StreamMask] | None = None,
    ) -> None:
        """new_mask: makes what masks personal data in text and reasoning; None: they stay as they are."""
        self._counted = counted
        self._new_mask = new_mask
        self.id = answer_id
        self.created_at = created_at
        self._user = user
        self._running = running
        self._source = source
        self._started = time.monotonic()
        self._ttft_s: float | None = None
        self._duration_s = 0.0
        self._tokens = 0
        self._error: StoredError | None = None
        self.finished: Finished | None = None

    @property
    def model(self) -> str:
        """Return who answers; until the first token, another model may take over."""
        return self._running.model

    @property
    def ignored(self) -> tuple[str, ...]:
        return self._running.ignored

    @property
    def prompt_tokens(self) -> int:
        return self._running.prompt_tokens

    @property
    def fingerprint(self) -> str:
        """Changes with the model's file and with what runs it."""
        return _fingerprint(f"{self._running.model_version} {self._running.engine}")

    def cancel(self) -> None:
        """From any thread: free the model within one step."""
        self._running.cancel()

    def poll(self, wake: Callable[[], None]) -> bool:
        """See RunningGeneration.poll."""
        return self._running.poll(wake)

    def events(self) -> Iterator[GenerationEvent]:
        """As RunningGeneration.events(), but an answer without an end raises Unavailable. Closing the iterator early cancels it."""
        try:
            events = self._running.events()
            for event in events if self._new_mask is None else masked_events(self._new_mask, events):
                if isinstance(event, Delta):
                    self._tokens = event.tokens
                    if self._ttft_s is None:
                        self._ttft_s = time.monotonic() - self._started
                elif isinstance(event, Finished):
                    self.finished = event
                self._counted.alive()
                yield event
            if self.finished is None:
                raise Unavailable(GONE)
        except PortalError as problem:
            self.failed(StoredError.of(problem))
            raise
        finally:
            self._duration_s = time.monotonic() - self._started
            if self.finished is None:
                self._running.cancel()
            usage = self.finished.usage if self.finished else Usage(completion_tokens=self._tokens)
            self._counted.ended(usage.prompt_tokens + usage.completion_tokens)

    def failed(self, error: StoredError) -> None:
        """Note why the answer failed, for its row."""
        self._error = error

    def row(self, *, conversation_id: str | None = None, message_id: str | None = None, thinking_s: float | None = None) -> Generation:
        """Describe how the answer ended, once it has."""
        done = self.finished
        timings = done.timings if done else Timings(ttft_s=self._ttft_s, duration_s=self._duration_s)
        reason = done.finish_reason if done else FinishReason.ERROR if self._error else FinishReason.CANCELLED
        return Generation(
            id=self.id,
            user_id=self._user.id,
            group=self._user.group,
            created_at=self.created_at,
            model=self.model,
            model_version=self._running.model_version,
            platform=self._running.platform,
            usage=done.usage if done else Usage(completion_tokens=self._tokens),
            timings=replace(timings, thinking_s=thinking_s) if thinking_s is not None else timings,
            finish_reason=FinishReason.ERROR if self._error else reason,
            source=self._source,
            conversation_id=conversation_id,
            message_id=message_id,
            error=self._error or (StoredError(done.note) if done and done.note else None),
            cost=routing.cost if (routing := self._running.routing) is not None else None,
            routing=routing,
            key_id=self._user.key.id if self._user.key else None,
        )


@lru_cache(maxsize=256)
def _fingerprint(made_by: str) -> str:
    return f"fp_{sha256(made_by.encode()).hexdigest()[:12]}"


class Vectors:
    """A request for vectors that a model computes now. `result()` writes its generation row, however it ends."""

    def __init__(self, user: User, running: RunningEmbedding, source: Source, gateway: Gateway, counted: Counted) -> None:
        self._counted = counted
        self.id = uuid4().hex
        self.created_at = gateway.now()
        self._user = user
        self._running = running
        self._source = source
        self._gateway = gateway

    @property
    def model(self) -> str:
        return self._running.model

    def cancel(self) -> None:
        """From any thread: compute no more of it."""
        self._running.cancel()

    def result(self) -> Embedded:
        """As RunningEmbedding.result(); call it once."""
        try:
            done = self._running.result()
        except Cancelled:
            self._record(None, FinishReason.CANCELLED)
            raise
        except PortalError as problem:
            self._record(None, FinishReason.ERROR, StoredError.of(problem))
            raise
        self._record(done, FinishReason.STOP)
        return done

    def _record(self, done: Embedded | None, reason: FinishReason, error: StoredError | None = None) -> None:
        self._counted.ended(done.usage.prompt_tokens if done else 0)
        self._gateway.record(
            Generation(
                id=self.id,
                user_id=self._user.id,
                group=self._user.group,
                created_at=self.created_at,
                model=self.model,
                model_version=self._running.model_version,
                platform=self._running.platform,
                usage=done.usage if done else Usage(),
                timings=done.timings if done else Timings(),
                finish_reason=reason,
                source=self._source,
                error=error,
                cost=routing.cost if (routing := self._running.routing) is not None else None,
                routing=routing,
                key_id=self._user.key.id if self._user.key else None,
            )
        )


class Gateway:
    """Checks who asks and how much they may, finds the model, and records what every request took."""

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
    ) -> None:
        """images: decodes the images of requests; None: they are refused. cache: keeps vectors; None: all are computed.

        detectors: None where nothing can find boxes.
        """
        self.cache = cache
        self._vision = Vision(images)
        self._detectors = detectors
        self._unit_of_work = unit_of_work
        self._router = router
        self._clock = clock
        self.privacy = privacy or PrivacyFilter(unit_of_work, clock)
        self.limits = Limits(unit_of_work, clock)

    def now(self) -> datetime:
        return self._clock()

    def served(self) -> Sequence[ServedModel]:
        """Return the models of every kind that can be asked now, the default for chats first."""
        return self._router.models()

    def models(self, user: User) -> Sequence[ServedModel]:
        """Return the models and presets of every kind that this person can ask, the default for chats first. Raises NotAllowed."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            choice, presets = Choice.read(work, user), work.offers.presets()
        return choice.listed(self.served(), presets)

    def chat_models(self, user: User) -> Sequence[ServedModel]:
        """Return the models and presets this person can chat with, the default first. Raises NotAllowed."""
        return [model for model in self.models(user) if model.kind is ModelKind.CHAT]

    def chat_model(self, user: User, name: str | None) -> ServedModel | None:
        """Return the model that a chat with this choice would ask: the default if nobody serves the choice, None without models."""
        models = self.chat_models(user)
        return next((model for model in models if name in model.names), next(iter(models), None))

    def answer(self, user: User, request: GenerationRequest, source: Source) -> Answer:
        """Start an answer whose caller records it. Raises NotAllowed, LimitReached, PersonalData, and what Router.start raises."""
        require(user, Permission.CHAT)
        request = self._seen(user, request)
        request = self._allowed(user, request, tools=source not in (Source.CHAT, Source.TITLE, Source.SUMMARY, Source.MEMORY))
        if (change := self.privacy.incoming(user)) is not None:
            request = request_without(change, request)
        answer_id = request.id or uuid4().hex
        counted = self._admitted(user, request.model)
        with counted.given_back_on_failure():
            if counted.model is not None:
                request = self._allowed(user, replace(request, model=counted.model), tools=False)
            running = self._router.start(replace(request, id=answer_id))
        return Answer(answer_id, user, running, source, self._clock(), counted, self.privacy.outgoing(user))

    def next_place(self, user: User, failed: str) -> str | None:
        """Return who can answer in place of one that failed (glm@gateway); None if nobody else can. Raises NotAllowed."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
        for model in (failed.rpartition("@")[0] or None, None):
            request = GenerationRequest(messages=(), user_id=user.id, model=model, group=user.group, barred=choice.barred)
            for place in self._router.places(request):
                if place != failed and choice.may_use(place):
                    return place
        return None

    def prompt_tokens(self, user: User, request: GenerationRequest) -> PromptTokens:
        """What the model would read of a request, without asking it. Raises NotAllowed, and what Router.prompt_tokens raises."""
        require(user, Permission.CHAT)
        return self._router.prompt_tokens(self._allowed(user, self._seen(user, request), tools=True))

    def pieces(self, user: User, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        """The text of tokens. Raises NotAllowed, and what Router.pieces raises."""
        require(user, Permission.CHAT)
        asked = self._allowed(user, GenerationRequest(messages=(), user_id=user.id, model=model, prompt=""), tools=False)
        return self._router.pieces(asked.model, tokens)

    def embed(self, user: User, request: EmbeddingRequest) -> Vectors:
        """Raises NotAllowed, and what Router.embed raises."""
        require(user, Permission.CHAT)
        model, barred = self._allowed_vectors(user, request.model, ModelKind.EMBEDDING)
        if (change := self.privacy.incoming(user)) is not None:
            request = embedding_without(change, request)
        request = replace(request, model=model, group=user.group, barred=barred)
        counted = self._admitted(user, model)
        with counted.given_back_on_failure():
            running = cached_embedding(self._router, self.cache, request) if self.cache is not None else self._router.embed(request)
            return Vectors(user, running, Source.EMBEDDING, self, counted)

    def rerank(self, user: User, request: RerankRequest) -> Vectors:
        """Raises NotAllowed, and what Router.rerank raises."""
        require(user, Permission.CHAT)
        model, barred = self._allowed_vectors(user, request.model, ModelKind.RERANKING)
        if (change := self.privacy.incoming(user)) is not None:
            request = rerank_without(change, request)
        request = replace(request, model=model, group=user.group, barred=barred)
        counted = self._admitted(user, model)
        with counted.given_back_on_failure():
            return Vectors(user, self._router.rerank(request), Source.RERANK, self, counted)

    def grounders(self, user: User, model: str | None = None) -> Grounders:
        """Return who can find boxes for this person now, in order; with a model, only who has that one. Raises NotAllowed."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
        if model is not None:
            choice.check(model)
        return self._detectors.grounders(model, user.group, choice.barred) if self._detectors is not None else Grounders()

    def detect(self, user: User, request: DetectionRequest) -> Detected:
        """Ask a detector and write its generation row. Raises NotAllowed, LimitReached, PersonalData, and what Detectors raises."""
        require(user, Permission.CHAT)
        if self._detectors is None:
            raise NotFound("There is no model {model}.", model=request.model[:200])
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
        choice.check(request.model)
        if (change := self.privacy.incoming(user)) is not None:
            request = replace(request, phrases=tuple(change(each) for each in request.phrases))
        counted = self._admitted(user, request.model)
        with counted.given_back_on_failure():
            running = self._detectors.detect(replace(request, group=user.group, barred=choice.barred))
        began = self._clock()
        try:
            done = running.result()
        except PortalError as problem:
            self.record(_detection(user, running, began, Timings(), StoredError.of(problem)))
            raise
        finally:
            counted.ended(0)
        self.record(_detection(user, running, began, done.timings, None))
        return done

    def _seen(self, user: User, request: GenerationRequest) -> GenerationRequest:
        """Return a request with images for a model that sees, its images decoded. Raises as Vision.prepared and seeing do."""
        if not request.images:
            return request
        model = seeing(request, self.models(user), named=request.model is not None)
        return self._vision.prepared(user, replace(request, model=model))

    def _admitted(self, user: User, model: str | None) -> Counted:
        """Count a request against the limits. Raises LimitReached."""
        return Counted(self.limits, user, self.limits.admit(user, model))

    def _allowed(self, user: User, request: GenerationRequest, *, tools: bool) -> GenerationRequest:
        """Return the request with its preset applied and its model named. Raises NotAllowed, NotFound (a draft)."""
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
            name = request.model or self._default_of(choice, work)
            preset = work.offers.preset(name) if name is not None else None
        request = replace(request, group=user.group, barred=choice.barred)
        if name is None:
            return request
        if preset is not None:
            if not (preset.published or choice.runs_models):
                raise NotFound("There is no model {model}.", model=name[:200])
            choice.check(name)
            request = applied(preset, request, tools=tools)
            name = preset.model
        choice.check(name)
        return request if request.model == name else replace(request, model=name)

    def _default_of(self, choice: Choice, work: UnitOfWork) -> str | None:
        """Return what a request without a model asks; None leaves it to the router. Raises NotAllowed."""
        if choice.default is None and not choice.rules:
            return None
        served = self.served()
        mine = [model for model in choice.listed(served, work.offers.presets()) if model.kind is ModelKind.CHAT]
        if not mine and any(model.kind is ModelKind.CHAT for model in served):
            raise NotAllowed("You may use none of the loaded models. Ask an admin for access.")
        return mine[0].name if mine else None

    def _allowed_vectors(self, user: User, name: str | None, kind: ModelKind) -> tuple[str | None, frozenset[str]]:
        """Return the model for vectors (None leaves it to the router), and which may not take its place. Raises NotAllowed."""
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
        if name is not None or not choice.rules:
            choice.check(name or "")
            return name, choice.barred
        served = [model.name for model in self.served() if model.kind is kind]
        mine = [model for model in served if choice.may_use(model)]
        if served and not mine:
            raise NotAllowed("You may use none of the loaded models. Ask an admin for access.")
        return mine[0] if mine else None, choice.barred

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


def _detection(user: User, running: RunningDetection, at: datetime, timings: Timings, error: StoredError | None) -> Generation:
    """Describe what a detector did."""
    routing = running.routing
    return Generation(
        id=uuid4().hex,
        user_id=user.id,
        group=user.group,
        created_at=at,
        model=running.model,
        model_version=running.model_version,
        platform=running.platform,
        usage=Usage(),
        timings=timings,
        finish_reason=FinishReason.ERROR if error else FinishReason.STOP,
        source=Source.GROUNDING,
        error=error,
        cost=routing.cost if routing is not None else None,
        routing=routing,
        key_id=user.key.id if user.key else None,
    )
