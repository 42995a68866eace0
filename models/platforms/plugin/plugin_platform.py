"""A platform of the platforms file whose kind a plugin provides. It fails alone, like one on another server."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from typing import NoReturn, Protocol

from core.errors import InvalidInput, PortalError
from core.inference.detection import DetectedBox, DetectionRequest
from core.inference.requests import GenerationRequest
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from core.platforms.records import Platform, RemoteModel
from core.plugins.offered_platform import OfferedPlatform
from core.plugins.platform_records import OpenedPlatform, PlatformDeclines, PlatformModel, PlatformSettings, PlatformTrouble
from models.platforms.model_list import ModelList
from models.platforms.plugin.plugin_answer import PluginAnswer
from models.platforms.remote.failures import Fault, PlatformFailure
from models.platforms.remote.failures import plain as plain_line
from models.platforms.remote.guarded_socket import Call
from models.platforms.remote.remote_answer import Count
from models.platforms.remote.remote_platform import PROBE_S
from models.platforms.remote.wires.listing import MAX_MODELS, ListedModel

OPEN_S = 10.0
MAX_LEFT = 16
"""Maximum number of answers that overran their deadline and still run. At the limit, the platform refuses questions until one ends."""


class PluginKinds(Protocol):
    def platform_kind(self, name: str) -> OfferedPlatform | None:
        """Return a kind of platform that plugins provide now; None if there is none with this name."""
        ...


class NoKinds:
    """The kinds of platforms of a portal without plugins: none."""

    def platform_kind(self, name: str) -> OfferedPlatform | None:
        return None


class PluginPlatform:
    """Safe from any thread. The kind is looked up with each request, so that a plugin that was turned off is no longer called."""

    def __init__(self, config: Platform, kinds: PluginKinds) -> None:
        self.config = config
        self.name = config.name
        self._kinds = kinds
        self.models = ModelList(config)
        self._opened: OpenedPlatform | None = None
        self._lock = threading.Lock()
        self._left: list[threading.Thread] = []

    def discover(self, first_s: float = PROBE_S) -> None:
        """Ask the plugin for its models. Raises PlatformFailure."""
        kind = self._kind()
        try:
            opened = self._open(kind)
            found = kind.call(kind.plugin, first_s, lambda: [_listed(each) for each in opened.models()])
        except PlatformFailure:
            raise
        except Exception as problem:
            raise self._failure(problem) from problem
        self.models.listed = tuple(found[:MAX_MODELS])

    def answer(self, request: GenerationRequest, model: RemoteModel, count: Count) -> PluginAnswer:
        """Prepare an answer; the plugin is asked when its events are read. Raises InvalidInput."""
        if request.prompt is not None or request.images or request.continued:
            words = "{platform} answers questions in chats only: no plain prompts, images or continued answers."
            raise InvalidInput(words, platform=self.name)
        return PluginAnswer(self.config, lambda: self._open(self._kind()), request, model, count, self._failure, self._leave)

    def vectors(self, request: EmbeddingRequest | RerankRequest, model: RemoteModel) -> Callable[[Call], tuple[list[array[float]], int]]:
        self._only_chats()

    def boxes(self, request: DetectionRequest, model: RemoteModel, call: Call) -> tuple[DetectedBox, ...]:
        self._only_chats()

    def close(self) -> None:
        """Close the plugin's platform, if it has a method for that."""
        with self._lock:
            opened, self._opened = self._opened, None
        close = getattr(opened, "close", None)
        if callable(close):
            try:
                close()
            except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, the portal continues without it
                self._failure(problem)

    def _only_chats(self) -> NoReturn:
        raise PlatformFailure(Fault.REFUSED, "{platform} has models for chats only.", platform=self.name)

    def _kind(self) -> OfferedPlatform:
        try:
            kind = self._kinds.platform_kind(self.config.kind)
        except PortalError as problem:
            words = "{platform} cannot be used: {reason}"
            raise PlatformFailure(Fault.UNREACHABLE, words, platform=self.name, reason=str(problem)) from problem
        if kind is None:
            words = "{platform} needs a plugin with the kind {kind}, which is not on for everyone."
            raise PlatformFailure(Fault.UNREACHABLE, words, platform=self.name, kind=self.config.kind)
        with self._lock:
            self._left = [each for each in self._left if each.is_alive()]
            if len(self._left) >= MAX_LEFT:
                raise PlatformFailure(Fault.BUSY, "{platform} is busy.", platform=self.name, retry_after=5.0)
        return kind

    def _open(self, kind: OfferedPlatform) -> OpenedPlatform:
        """Open the plugin's platform, once. Raises PlatformFailure, and what the plugin raises."""
        with self._lock:
            if self._opened is not None:
                return self._opened
        try:
            options = kind.options(self.name, dict(self.config.options))
        except InvalidInput as wrong:
            words = "{platform} cannot be used: {reason}"
            raise PlatformFailure(Fault.UNREACHABLE, words, platform=self.name, reason=str(wrong)) from wrong
        settings = PlatformSettings(name=self.name, base_url=self.config.base_url, api_key=self.config.api_key, options=options)
        opened = kind.call(kind.plugin, OPEN_S, lambda: kind.open(settings))
        with self._lock:
            self._opened = self._opened or opened
            return self._opened

    def _leave(self, thread: threading.Thread) -> None:
        with self._lock:
            self._left.append(thread)

    def _failure(self, problem: Exception) -> PlatformFailure:
        """Turn an error of the plugin into a PlatformFailure. All but PlatformTrouble are recorded for admins."""
        if isinstance(problem, PlatformFailure):
            return problem
        if isinstance(problem, PlatformTrouble):
            fault = Fault.BROKEN if problem.retry_after is None else Fault.BUSY
            fault = Fault.REFUSED if isinstance(problem, PlatformDeclines) else fault
            words = "{platform} cannot answer: {reason}"
            reason = plain_line(str(problem)) or "?"
            return PlatformFailure(fault, words, platform=self.name, reason=reason, retry_after=problem.retry_after)
        if (kind := self._kinds.platform_kind(self.config.kind)) is not None:
            kind.failed(problem)
        return PlatformFailure(Fault.BROKEN, "The plugin of {platform} failed. The Plugins page says why.", platform=self.name)


def _listed(model: object) -> ListedModel:
    if not isinstance(model, PlatformModel) or not isinstance(model.id, str) or not 0 < len(model.id) <= 200 or set(model.id) & set(" ,@"):
        raise TypeError("models must return PlatformModel, with ids without spaces, commas and @")
    context = model.context if isinstance(model.context, int) and 0 < model.context < 10**9 else None
    return ListedModel(id=model.id, kind=ModelKind.CHAT, context=context, thinking=bool(model.thinking), tools=False, vision=False)
