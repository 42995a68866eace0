"""Declare the pool of the models in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from core.models.catalogue import CatalogueEntry, Listing, Quantization, RemoteFile, Repository
from core.models.records import AdapterFile, DeviceMemory, LoadedModel, LoadSettings, MemoryPlan, ModelFile, StartModel


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


class StartList(Protocol):
    """The models to load at every start of the portal on this machine."""

    def all(self) -> Sequence[StartModel]: ...
    def keep(self, model: StartModel) -> None:
        """In place of one with the same name; where it is the default, no other is."""
        ...

    def make_default(self, name: str) -> None:
        """This one, or none where it is not in the list."""
        ...

    def forget(self, name: str) -> None:
        """Nothing happens if it is not in the list."""
        ...


class KnownModels(Protocol):
    """The models of the catalogue."""

    def entries(self) -> Sequence[CatalogueEntry]: ...
    def entry(self, name: str) -> CatalogueEntry:
        """Find by id or title. Raises NotFound."""
        ...

    def plan(self, entry: CatalogueEntry, quantization: Quantization) -> MemoryPlan:
        """Plan the memory of a model that is not on disk yet, on this machine, with automatic settings."""
        ...


class ModelHub(Protocol):
    """The sites that host model files."""

    def files(self, repository: Repository, check: Callable[[], None]) -> Listing:
        """List a repository. `check` is called several times a second and may raise to stop.

        Raises NotFound, NotAllowed (private or gated), Unavailable (network), InvalidInput (not a name of a repository).
        """
        ...

    def download(
        self, repository: Repository, revision: str, file: RemoteFile, folder: Path, progress: Callable[[int], None]
    ) -> Path:
        """Download one file into `folder`, going on where an earlier try stopped; returns its path there. It is not verified.

        progress: called several times a second with the bytes that are there; may raise to stop. Raises like files(), and Conflict for a
        full disk.
        """
        ...
