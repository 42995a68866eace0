"""Declare the router, which finds the model for a request, and the repository of what is offered to whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.inference.caching.records import CachedResult
from core.inference.offers import AccessRule, Preset
from core.inference.records import Routing, ServedModel
from core.inference.requests import GenerationEvent, GenerationRequest, PromptTokens
from core.inference.vectors import CachedVector, Embedder, EmbeddingRequest, RerankRequest, RunningEmbedding
from core.people.records import User


class TextMask(Protocol):
    """Changes a text that arrives in pieces."""

    def feed(self, piece: str) -> str:
        """Take a piece; return what can be shown."""
        ...

    def finish(self) -> str:
        """Return what was held back, at the end."""
        ...


class TextFilters(Protocol):
    """Changes questions and answers. Raises nothing: a filter that fails is skipped."""

    @property
    def change_answers(self) -> bool: ...
    def of_questions(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts as the model shall read them, as many as were given."""
        ...

    def of_answer(self) -> TextMask: ...


class FilterFinder(Protocol):
    def filters(self, user: User) -> TextFilters | None:
        """Return the filters that are on for this person; None if there are none."""
        ...


class RunningGeneration(Protocol):
    """Until the first delta, all of this may change: another platform may take over."""

    @property
    def model(self) -> str: ...
    @property
    def model_version(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def engine(self) -> str:
        """Return the software that runs the model, with its version."""
        ...

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def ignored(self) -> tuple[str, ...]:
        """Return the conditions of schemas that are not enforced, each as its pointer, and parameters that were dropped."""
        ...

    @property
    def routing(self) -> Routing | None:
        """Return why it is answered where it is; None if no platforms are configured."""
        ...

    def events(self) -> Iterator[GenerationEvent]:
        """Yield events until Finished, blocking between them; one consumer. Raises ModelFailed, Busy."""
        ...

    def poll(self, wake: Callable[[], None]) -> bool:
        """Have events() yield Pause instead of blocking, so that one thread can read many answers. False: it still blocks.

        Call it before events(). wake: called from any thread, often and quickly, when events() has more to yield.
        """
        ...

    def cancel(self) -> None:
        """Free the engine within one step, from any thread; events() then ends with Finished(cancelled)."""
        ...


class Router(Protocol):
    """Finds the model for a request and starts the request there."""

    def start(self, request: GenerationRequest) -> RunningGeneration:
        """Start an answer.

        Raises NotFound (no such model), Unavailable (none loaded), Busy (queue full), InvalidInput (prompt too long).
        """
        ...

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy if every chat model is known to refuse a question of this user now. Cheap, and raises nothing else.

        batch: nobody watches, so it may wait.
        """
        ...

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        """Start computing embeddings.

        Raises NotFound, Unavailable, Busy, and InvalidInput (a model of another kind, an input that is too long).
        """
        ...

    def embedder(self, request: EmbeddingRequest) -> Embedder | None:
        """Return the model that would compute a request now, without starting it; None if none can."""
        ...

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        """Start ranking: a row of one number for each document. Raises as embed."""
        ...

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        """Return the prompt in tokens, without running it. Raises NotFound, Unavailable, InvalidInput."""
        ...

    def pieces(self, model: str | None, tokens: Sequence[int]) -> PromptTokens:
        """Return the text of these tokens. Raises NotFound, Unavailable, InvalidInput (no such token)."""
        ...

    def targets(self, request: GenerationRequest) -> Sequence[str]:
        """Return the models and platforms (glm@gateway) that may answer a request now, in order; none if there is only this process."""
        ...

    def models(self) -> Sequence[ServedModel]:
        """Return the models of every kind that can be asked now, the default for chats first."""
        ...


class OfferRepository(Protocol):
    """Stores presets, access rules and the default models of groups."""

    def presets(self) -> Sequence[Preset]:
        """Return all presets by name, drafts too."""
        ...

    def preset(self, name: str) -> Preset | None: ...
    def put_preset(self, preset: Preset) -> None:
        """Insert a preset, or replace the one with its name; created_at stays."""
        ...

    def remove_preset(self, name: str) -> bool:
        """Delete a preset with its access rule. Returns False if there is none."""
        ...

    def rules(self) -> Sequence[AccessRule]: ...
    def put_rule(self, rule: AccessRule) -> None:
        """Replace the rule of its model; one without roles and groups removes it."""
        ...

    def group_models(self) -> Mapping[str, str]:
        """Return the default models by group."""
        ...

    def put_group_model(self, group: str, model: str | None) -> None:
        """Set the default model of a group; None removes it."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Let access rules and the default model of a group follow its new name."""
        ...


class ResultRepository(Protocol):
    """Stores the answers of the result cache."""

    def find(self, key: str, since: datetime) -> CachedResult | None:
        """Return an answer that was written since then."""
        ...

    def touch(self, key: str, at: datetime, before: datetime) -> bool:
        """Note the use of an answer that was last used before `before`. Returns whether it was."""
        ...

    def give_to(self, key: str, owner: str) -> None:
        """Let an answer belong to another chat or response, with which it is then deleted."""
        ...

    def put(self, result: CachedResult) -> None:
        """Store an answer in place of the one with its key."""
        ...

    def size(self) -> tuple[int, int]:
        """Return how many answers there are and their bytes."""
        ...

    def drop_oldest(self, size: int) -> int:
        """Delete at least so many bytes of those that were not used for longest; returns how many answers."""
        ...

    def remove_before(self, at: datetime | None) -> int:
        """Delete those that were written before; None: all of them."""
        ...

    def remove_of_group(self, group: str) -> int:
        """Delete those that a group shares."""
        ...


class EmbeddingRepository(Protocol):
    """Stores the vectors of the embedding cache."""

    def find(self, keys: Collection[str]) -> Sequence[CachedVector]: ...
    def touch(self, keys: Sequence[str], at: datetime, before: datetime) -> bool:
        """Record the use of those that were last used before `before`. Returns whether there were any."""
        ...

    def add(self, vectors: Sequence[CachedVector], at: datetime) -> None:
        """Store vectors; those that are there stay."""
        ...

    def size(self) -> tuple[int, int]:
        """Return how many vectors there are and their bytes."""
        ...

    def drop_oldest(self, size: int) -> int:
        """Delete at least so many bytes, the least recently used vectors first; returns how many vectors."""
        ...

    def remove_before(self, at: datetime | None) -> int:
        """Delete those that were computed before; None: all of them."""
        ...
