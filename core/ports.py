"""What core needs from the outside, as Protocols; of the store's rows, see unit_of_work.py. data/ and models/ implement them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.backup import BackupContents, BackupFile, Progress, StoreFacts
from core.embedding import EmbeddingRequest, RerankRequest, RunningEmbedding
from core.generation import GenerationRequest, RunningGeneration
from core.index import ParkedJob, Reconciliation, SearchHit, SearchPage, SearchQuery
from core.model import AdapterFile, DeviceMemory, LoadedModel, LoadSettings, MemoryPlan, ModelFile

Clock = Callable[[], datetime]
"""The time now, timezone-aware UTC."""


class SearchIndex(Protocol):
    engine: str
    """"sqlite", "postgresql", "elasticsearch", or "none" where search is off."""

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Best first. A word query: all words must occur. Raises Unavailable."""
        ...

    def page(self, query: SearchQuery) -> SearchPage:
        """The same words and filters, newest first, continued by `query.after`. Raises Unavailable."""
        ...


class IndexJobs(Protocol):
    """What the index does not know yet."""

    def pending(self) -> int:
        """Changes the index has still to take. Raises Unavailable."""
        ...

    def behind(self, now: datetime) -> float:
        """Seconds since the oldest change that waits for the index; 0 if none does. Raises Unavailable."""
        ...


class IndexKeeper(IndexJobs, Protocol):
    def is_rebuilding(self) -> bool: ...
    def rebuild(self) -> None:
        """Begin a new index beside this one. Raises Unavailable."""
        ...


class ParkedJobs(Protocol):
    """Changes the index refused for good. All raise Unavailable."""

    def count(self) -> int: ...
    def oldest(self, limit: int, after: int = 0) -> Sequence[ParkedJob]: ...
    def retry(self, number: int | None) -> int:
        """Queue one again, or all; returns how many."""
        ...


class Reconciler(Protocol):
    @property
    def running(self) -> bool: ...
    @property
    def last(self) -> Reconciliation | None: ...
    def ask(self) -> None:
        """Compare store and index soon; returns at once."""
        ...


class StoreInspector(Protocol):
    def facts(self) -> StoreFacts:
        """Raises Unavailable."""
        ...


class BackupFolder(Protocol):
    """The folder with backups, and what makes them. Names are plain file names that all() gave, or new ones."""

    @property
    def path(self) -> Path: ...
    def all(self) -> Sequence[BackupFile]:
        """Newest first; none where there is no folder yet."""
        ...

    def write(self, name: str, passphrase: str | None, progress: Progress) -> BackupFile:
        """The store of this moment, verified. Raises Conflict if the name is taken, StartFailed if it cannot be written."""
        ...

    def check(self, name: str, passphrase: str | None, progress: Progress) -> BackupContents:
        """Read to the end. Raises InvalidInput for a file that is not whole or a wrong passphrase, NotFound if it is gone."""
        ...

    def remove(self, name: str) -> None:
        """Raises NotFound if it is gone."""
        ...


class DocumentReader(Protocol):
    def text(self, name: str, content: bytes) -> str:
        """What is written in a PDF or Word document, normalized. `name` is what a person calls it, for the sentences.

        Raises InvalidInput for one that cannot be read: damaged, encrypted, without text as a scan is, or too long to read; Busy where
        no reader is free in time; Unavailable where none can start.
        """
        ...


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...
    def matches(self, password: str, password_hash: str) -> bool: ...


class Router(Protocol):
    """Finds the model for a request and starts it there."""

    def start(self, request: GenerationRequest) -> RunningGeneration:
        """Raises NotFound (no such model), Unavailable (none loaded), Busy (queue full), InvalidInput (prompt too long)."""
        ...

    def embed(self, request: EmbeddingRequest) -> RunningEmbedding:
        """Raises NotFound, Unavailable, Busy, and InvalidInput (a model of another kind, an input that is too long)."""
        ...

    def rerank(self, request: RerankRequest) -> RunningEmbedding:
        """One row of one number for each document. Raises as embed."""
        ...

    def models(self) -> Sequence[LoadedModel]:
        """The models of every kind that can be asked now, the default for chats first."""
        ...


class ModelPool(Protocol):
    """The models in this process."""

    def loaded(self) -> Sequence[LoadedModel]:
        """All, with those loading, draining and failed."""
        ...

    def files(self) -> Sequence[ModelFile]:
        """The GGUFs in the models folder and the built-in one, unusable ones with their error."""
        ...

    def adapters(self) -> Sequence[AdapterFile]:
        """The LoRA adapters in the models folder, unusable ones with their error."""
        ...

    def read_file(self, path: Path) -> ModelFile:
        """Raises InvalidInput with the reason if it is missing, truncated, not a GGUF, or of an unknown architecture."""
        ...

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        """Raises InvalidInput for settings that do not suit the file or the machine."""
        ...

    def remembered(self, path: Path) -> LoadSettings | None:
        """How this file was loaded last; None if it never was."""
        ...

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False) -> LoadedModel:
        """Start loading in the background; follow it in loaded(). Raises InvalidInput, Conflict (already loaded)."""
        ...

    def metrics(self) -> Mapping[str, object]:
        """By model name, a moment of its engine: an object whose fields are numbers and spreads, for graphs."""
        ...

    def memory(self) -> Sequence[DeviceMemory]:
        """What the host and each GPU have now."""
        ...

    def make_default(self, name: str) -> None:
        """Raises NotFound, Conflict (not ready, not for chats)."""
        ...

    def unload(self, name: str) -> None:
        """Let running answers finish (30 s at most), then free the memory. Returns at once. Raises NotFound."""
        ...
