"""Implement core's Router over this process and the platforms of the configuration."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from core.errors import Busy, InvalidInput, NotFound, PromptTooLong, StoredError, Unavailable
from core.inference.detection import DetectionRequest, Grounders, RunningDetection
from core.inference.ports import Router, RunningGeneration
from core.inference.records import ServedModel, Task
from core.inference.requests import GenerationRequest, PromptTokens
from core.inference.vectors import Embedder, EmbeddingRequest, RerankRequest, RunningEmbedding
from core.models.records import ModelKind
from core.platforms.records import LOCAL, PlatformsConfig, PlatformState, Route
from models.platforms.plugin.plugin_platform import PluginKinds
from models.platforms.remote.addresses import Resolve, resolve
from models.platforms.remote.wires.counting import estimate_prompt
from models.serving.routing.grounding_plan import grounders
from models.serving.routing.members.members import Members, View
from models.serving.routing.plan import Candidate, Plan, RouteQuery, plan
from models.serving.routing.routed_answer import RoutedAnswer
from models.serving.routing.routed_detection import RoutedDetection
from models.serving.routing.routed_vectors import RoutedVectors
from models.serving.routing.served import served_models
from models.serving.routing.states import states

MAX_STICKY = 20_000
"""Conversations whose platform is remembered."""


class PlatformRouter:
    """Routes requests. Without platforms, every request goes to the local router unchanged. Safe from any thread."""

    def __init__(
        self, local: Router, *, max_wait_s: float | None = None, resolver: Resolve = resolve,
        kinds: PluginKinds | None = None,
    ) -> None:  # fmt: skip
        self._local = local
        self._max_wait_s = max_wait_s
        self._members = Members(lambda: None, resolver, kinds)
        self._sticky: OrderedDict[str, str] = OrderedDict()
        self._sticky_lock = threading.Lock()

    # The configuration

    def configure(self, config: PlatformsConfig) -> None:
        self._members.configure(config)

    def check(self, config: PlatformsConfig) -> None:
        """Check that the platforms have the models of a configuration. Raises InvalidInput; a platform that does not answer is not checked.
        """
        for line, platform, model, has in self._members.missing(config):
            raise InvalidInput(
                "Line {line}: {platform} has no {model}. It has {models}.", line=line, platform=platform, model=model, models=has or "-"
            )

    @property
    def view(self) -> View:
        return self._members.view

    def close(self) -> None:
        self._members.close()

    # For people

    def states(self) -> Sequence[PlatformState]:
        return states(self.view, self._local.models())

    def explain(self, request: GenerationRequest) -> Route:
        """Return where a request would go now, without sending it."""
        found = self.plan(request)
        return Route(targets=self._named(found), left_out=tuple(found.left_out), tokens=estimate_prompt(request))

    def reload(self, name: str) -> None:
        """Ask a platform for its models now. Raises NotFound."""
        member = self.view.members.get(name)
        if member is None:
            raise NotFound("There is no platform {platform}.", platform=name[:80])
        if member.remote is not None:
            member.probe()

    # Router

    def start(self, request: GenerationRequest) -> RunningGeneration:
        view = self.view
        if not view.remote:
            return self._local.start(self._bare(request))
        found = self.plan(request)
        if not found.candidates:
            self._refuse(request.model, found, estimate_prompt(request))
        return RoutedAnswer(
            request, found.candidates, found.left_out, start_local=self._local.start, count=self._count, max_wait_s=self._max_wait_s,
            settled=lambda candidate: self._settle(request.conversation_id, candidate),
        )  # fmt: skip

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        if not self.view.remote:  # Another server may have room, which only asking it tells.
            self._local.check_room(user_id, batch=batch)

    def plan(self, request: GenerationRequest) -> Plan:
        """Return the candidates for a request now, in order, and why others are left out."""
        sizes: list[int] = []

        def tokens() -> int:
            if not sizes:
                sizes.append(estimate_prompt(request))
            return sizes[0]

        sticky = self._sticky.get(request.conversation_id) if request.conversation_id else None
        query = RouteQuery(
            model=request.model, kind=ModelKind.CHAT, task=request.task, tokens=tokens, group=request.group,
            denied_models=request.denied_models,
            tools=bool(request.tools), images=bool(request.images), sticky=sticky,
        )  # fmt: skip
        return plan(query, self.view, self._local.models())

    def targets(self, request: GenerationRequest) -> Sequence[str]:
        return self._named(self.plan(request)) if self.view.remote else ()

    def _named(self, found: Plan) -> tuple[str, ...]:
        """Return the targets of a plan; the default of this process has its model's name."""
        default = next((each.name for each in self._local.models() if each.kind is ModelKind.CHAT), "")
        return tuple(each.target if each.model else f"{default}@{each.member.name}" for each in found.candidates)

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        return self._local.prompt_tokens(self._here(request))

    def pieces(self, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        return self._local.pieces(self._here(GenerationRequest(messages=(), user_id="", model=model)).model, tokens)

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        found = self._vector_plan(request, ModelKind.EMBEDDING, Task.EMBED)
        return RoutedVectors(request, found.candidates, found.left_out, self._local.embed) if found else self._local.embed(request)

    def embedder(self, request: EmbeddingRequest) -> Embedder | None:
        found = self._vector_plan(request, ModelKind.EMBEDDING, Task.EMBED)
        if found is None:
            return self._local.embedder(request)
        first = found.candidates[0]
        if first.remote is None:
            return self._local.embedder(replace(request, model=first.model))
        return Embedder(model=first.model or "", version=first.version, platform=first.member.name)

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        found = self._vector_plan(request, ModelKind.RERANKING, Task.RERANK)
        return RoutedVectors(request, found.candidates, found.left_out, self._local.rerank) if found else self._local.rerank(request)

    def grounders(self, model: str | None, group: str, denied_models: frozenset[str]) -> Grounders:
        return grounders(model, group, denied_models, self.view, self._local.models())

    def detect(self, request: DetectionRequest) -> RunningDetection:
        query = RouteQuery(
            model=request.model,
            kind=ModelKind.DETECTION,
            task=Task.GROUND,
            tokens=lambda: 0,
            group=request.group,
            denied_models=request.denied_models,
        )
        found = plan(query, self.view, self._local.models())
        if not found.candidates:
            self._refuse(request.model, found, 0)
        return RoutedDetection(request, found.candidates[0], found.left_out)

    def models(self) -> Sequence[ServedModel]:
        return served_models(self.view, self._local.models())

    # Internal

    def _vector_plan(self, request: EmbeddingRequest | RerankRequest, kind: ModelKind, task: Task) -> Plan | None:
        """Return None if only this process can serve the request; it then refuses by itself."""
        view = self.view
        if not view.remote:
            return None
        query = RouteQuery(
            model=request.model, kind=kind, task=task, tokens=lambda: 0, group=request.group, denied_models=request.denied_models
        )
        found = plan(query, view, self._local.models())
        if found.candidates:
            return found
        if found.known or found.left_out:
            self._refuse(request.model, found, 0)
        return None

    def _refuse(self, model: str | None, found: Plan, tokens: int) -> None:
        """Raise the error that says why no platform can answer."""
        if found.too_long:
            raise PromptTooLong(max(tokens, found.too_long + 1), found.too_long)
        if model is not None and not found.known:
            names = ", ".join(dict.fromkeys(each.name for each in self.models()))
            raise NotFound("There is no model {model}. Choose one of: {models}.", model=model[:200], models=names or "none")
        if found.retry_after is not None:
            raise Busy("All platforms for this are busy.", retry_after=found.retry_after)
        last = found.left_out[-1] if found.left_out else StoredError("No model is loaded.")
        raise Unavailable(last.template, **last.params)

    def _settle(self, conversation_id: str | None, candidate: Candidate) -> None:
        """Remember where a conversation's prefix is."""
        if conversation_id is None:
            return
        with self._sticky_lock:
            self._sticky[conversation_id] = candidate.member.name
            self._sticky.move_to_end(conversation_id)
            while len(self._sticky) > MAX_STICKY:
                self._sticky.popitem(last=False)

    def _bare(self, request: GenerationRequest) -> GenerationRequest:
        """Remove @local from a model's name."""
        name, at, target = (request.model or "").rpartition("@")
        return replace(request, model=name) if at and target == LOCAL else request

    def _here(self, request: GenerationRequest) -> GenerationRequest:
        """Return a request that only a tokenizer of this process can serve. Raises InvalidInput for a model elsewhere."""
        view = self.view
        if view.remote and request.model is not None:
            found = plan(RouteQuery(model=request.model, kind=ModelKind.CHAT, task=Task.CHAT, tokens=lambda: 0), view, self._local.models())
            here = next((each for each in found.candidates if each.member.is_local), None)
            if here is not None:
                return replace(request, model=here.model)
            if found.known:
                raise InvalidInput("{model} runs on another server, so its tokens are not known here.", model=request.model[:200])
        return self._bare(request)

    def _count(self, model: str, text: str) -> int | None:
        """Count with a tokenizer of this process: that of the model with the same name, else of the default one unless it is the guide."""
        chats = [each for each in self._local.models() if each.kind is ModelKind.CHAT and not each.guide]
        nearest = next((each for each in chats if each.name == model), next(iter(chats), None))
        if nearest is None or not text:
            return None
        try:
            request = GenerationRequest(messages=(), user_id="", model=nearest.name, prompt=text)
            return len(self._local.prompt_tokens(request).tokens)
        except (InvalidInput, NotFound, Unavailable):
            return None
