"""Declare the pool of models in this process, the models of each start, the catalogue, and hubs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from core.models.catalogue import CatalogueEntry, Listing, Quantization, RemoteFile, Repository
from core.models.load_settings import LoadSettings
from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.quantization import Precision
from core.models.records import AdapterFile, LoadedModel, ModelFile, Residency
from core.models.report_records import FileFindings, Sample
from core.models.start_records import StartModel


class ModelPool(Protocol):
    """The models in this process."""

    def loaded(self) -> Sequence[LoadedModel]:
        """Return all models, including those that are loading, draining or failed."""
        ...

    def files(self) -> Sequence[ModelFile]:
        """List the GGUF files in the models folder and the built-in one. Unusable files have their error set."""
        ...

    def adapters(self) -> Sequence[AdapterFile]:
        """List the LoRA adapters in the models folder. Unusable files have their error set."""
        ...

    def read_file(self, path: Path) -> ModelFile:
        """Read the header of a model file. Raises InvalidInput if it is missing, truncated, not a GGUF, or of an unknown architecture."""
        ...

    def plan(self, file: ModelFile, settings: LoadSettings) -> MemoryPlan:
        """Plan the memory of a load. Raises InvalidInput for settings that do not suit the file or the machine."""
        ...

    def remembered(self, path: Path) -> LoadSettings | None:
        """Return how this file was last loaded; None if it never was."""
        ...

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False, name: str | None = None) -> LoadedModel:
        """Start loading in the background; loaded() shows the progress. Raises InvalidInput, Conflict (already loaded).

        name: the name of the model for people; None derives it from the file.
        """
        ...

    def metrics(self) -> Mapping[str, object]:
        """Return a snapshot of each model's engine metrics by model name: an object whose fields are numbers and distributions."""
        ...

    def memory(self) -> Sequence[DeviceMemory]:
        """Return the current memory of the host and of each GPU."""
        ...

    def budget(self) -> DeviceMemory | None:
        """Return the total memory limit for all models of this machine and what is left of it; None if there is no limit."""
        ...

    def make_default(self, name: str) -> None:
        """Make a model the default for chats. Raises NotFound, Conflict (not ready, not for chats)."""
        ...

    def reside(self, name: str, residency: Residency) -> None:
        """Set when a model is unloaded and loaded again. This applies to the name, whichever version has it."""
        ...

    def unload(self, name: str) -> None:
        """Let running answers finish for at most 30 s, then free the memory. Returns at once. Raises NotFound."""
        ...


class StartList(Protocol):
    """The models to load at every start of the portal on this machine."""

    def all(self) -> Sequence[StartModel]: ...
    def keep(self, model: StartModel) -> None:
        """Add a model, or replace the one with its name. If it is the default, no other model stays the default."""
        ...

    def make_default(self, name: str) -> None:
        """Make this model the default. If it is not in the list, no model is the default."""
        ...

    def forget(self, name: str) -> None:
        """Remove a model; has no effect if it is not in the list."""
        ...


class KnownModels(Protocol):
    """The models of the catalogue."""

    def entries(self) -> Sequence[CatalogueEntry]: ...
    def entry(self, name: str) -> CatalogueEntry:
        """Return an entry by its id or title. Raises NotFound."""
        ...

    def plan(self, entry: CatalogueEntry, quantization: Quantization) -> MemoryPlan:
        """Plan the memory of a model that is not on disk yet, for this machine and automatic settings."""
        ...


class FileInspector(Protocol):
    """Reads model files for a report."""

    def inspect(self, path: Path) -> FileFindings:
        """Read the header of a file. Raises InvalidInput if it cannot be loaded."""
        ...

    def preview(self, path: Path, sample: Sample) -> str:
        """Render the file's chat template with a sample. Raises InvalidInput if that fails, NotFound if there is no template."""
        ...


class Quantizer(Protocol):
    """Quantizes model files."""

    def check(self, path: Path) -> ModelFile:
        """Return the file if it can be quantized. Raises InvalidInput for an unusable or already quantized file."""
        ...

    def size(self, source: Path, precision: Precision, check: Callable[[], None]) -> int:
        """Compute the size of the result in bytes without writing it. Raises ModelFailed.

        check: called several times a second; may raise to stop.
        """
        ...

    def quantize(self, source: Path, target: Path, precision: Precision, progress: Callable[[float], None]) -> None:
        """Write the result. Raises ModelFailed, Conflict (disk full).

        progress: called with 0 to 1 several times a second; may raise to stop.
        """
        ...


class ModelHub(Protocol):
    """The sites that host model files."""

    def files(self, repository: Repository, check: Callable[[], None]) -> Listing:
        """List the files of a repository. check: called several times a second; may raise to stop.

        Raises NotFound, NotAllowed (private or gated), Unavailable (network), InvalidInput (no valid repository name).
        """
        ...

    def download(
        self, repository: Repository, revision: str, file: RemoteFile, folder: Path, progress: Callable[[int], None]
    ) -> Path:
        """Download one file into `folder`, resuming an earlier try; returns its path. The content is not verified.

        progress: called several times a second with the number of bytes on disk; may raise to stop. Raises as files() does, and Conflict
        for a full disk.
        """
        ...
