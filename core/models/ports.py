"""Declare the pool of the models in this process, what a hot swap needs of it, and the repository of swaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.inference.requests import GenerationRequest
from core.models.catalogue import CatalogueEntry, Listing, Quantization, RemoteFile, Repository
from core.models.quantization import Precision
from core.models.records import AdapterFile, DeviceMemory, LoadedModel, LoadSettings, MemoryPlan, ModelFile, Residency, StartModel
from core.models.report_records import FileFindings, Sample
from core.models.swap_records import CanaryQuestion, ChangeMarker, Decision, Figures, ReplayQuestion, Swap, SwapPlan, Trial


class ModelPool(Protocol):
    """The models in this process."""

    def loaded(self) -> Sequence[LoadedModel]:
        """Return all models, including those that are loading, draining or failed."""
        ...

    def files(self) -> Sequence[ModelFile]:
        """List the GGUFs in the models folder and the built-in one; unusable ones carry their error."""
        ...

    def adapters(self) -> Sequence[AdapterFile]:
        """List the LoRA adapters in the models folder; unusable ones carry their error."""
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

    def load(self, path: Path, settings: LoadSettings, *, default: bool = False, name: str | None = None) -> LoadedModel:
        """Start loading in the background; follow it in loaded(). Raises InvalidInput, Conflict (already loaded).

        name: what people call the model; None: by its file.
        """
        ...

    def metrics(self) -> Mapping[str, object]:
        """Return a snapshot of each model's engine by name: an object whose fields are numbers and spreads."""
        ...

    def memory(self) -> Sequence[DeviceMemory]:
        """What the host and each GPU have now."""
        ...

    def budget(self) -> DeviceMemory | None:
        """Return the limit for all models of this machine together, and what is left of it; None: what the machine has."""
        ...

    def make_default(self, name: str) -> None:
        """Raises NotFound, Conflict (not ready, not for chats)."""
        ...

    def reside(self, name: str, residency: Residency) -> None:
        """Set when a model leaves memory and comes back. Holds for the name, whatever version has it."""
        ...

    def unload(self, name: str) -> None:
        """Let running answers finish (30 s at most), then free the memory. Returns at once. Raises NotFound."""
        ...


class StartList(Protocol):
    """The models to load at every start of the portal on this machine."""

    def all(self) -> Sequence[StartModel]: ...
    def keep(self, model: StartModel) -> None:
        """Add a model, or replace the one with its name. If it is the default, no other is."""
        ...

    def make_default(self, name: str) -> None:
        """Make this model the default; if it is not in the list, none is."""
        ...

    def forget(self, name: str) -> None:
        """Remove a model; has no effect if it is not in the list."""
        ...


class Succession(Protocol):
    """One version of a model taking the place of another, step by step. Called by one thread."""

    def hold(self) -> None:
        """Make new questions wait: the old version leaves before the new one is loaded."""
        ...

    def leaving(self) -> int:
        """Count the answers that still run on the version that leaves."""
        ...

    def free_leaving(self) -> bool:
        """Free the memory of the version that leaves; what still runs on it is stopped. False if it did not stop."""
        ...

    def load(self) -> None:
        """Start loading the new version; follow it in candidate(). Raises InvalidInput, Unavailable."""
        ...

    def candidate(self) -> LoadedModel: ...
    def ask(self, request: GenerationRequest, question: str, limit_s: float) -> Trial:
        """Let the new version answer; a failure is part of the result."""
        ...

    def share(self, percent: int) -> None:
        """Send this share of new answers to the new version, and count how the answers of both end."""
        ...

    def figures(self) -> tuple[Figures, Figures]:
        """Return how answers ended: of the old version, of the new one."""
        ...

    def switch(self) -> None:
        """Let the new version answer under the model's name from now on."""
        ...

    def roll_back(self) -> None:
        """Let the old version serve again, however far the swap is, and free the new one once its answers have ended.

        Loads the old version again if it was unloaded; raises PortalError if that fails.
        """
        ...


class Successions(Protocol):
    """Plans and begins swaps in this process."""

    def plan(self, model: str, path: Path, settings: LoadSettings | None) -> SwapPlan:
        """Raises NotFound, Conflict (not serving), InvalidInput (the file cannot be used, or does not fit either way).

        settings: None: those of the version that serves.
        """
        ...

    def settings(self, model: str) -> LoadSettings:
        """Return how the version that serves was loaded. Raises NotFound."""
        ...

    def path(self, model: str) -> Path:
        """Return the file of the version that serves. Raises NotFound."""
        ...

    def begin(self, model: str, path: Path, settings: LoadSettings) -> Succession:
        """Check once more; loads nothing. Raises as plan."""
        ...


class PatternFinder(Protocol):
    """Evaluates regular expressions of admins, which may take for ever on the wrong text."""

    def check(self, pattern: str) -> None:
        """Raises InvalidInput if it is not a regular expression."""
        ...

    def found(self, pattern: str, text: str) -> bool:
        """Tell whether the pattern matches somewhere in the text. Raises InvalidInput if it takes too long."""
        ...


class SwapRepository(Protocol):
    """Stores swaps, canary questions, replay questions and change markers."""

    def add(self, swap: Swap) -> None: ...
    def save(self, swap: Swap) -> None:
        """Write all but the decision."""
        ...

    def get(self, swap_id: str) -> Swap | None: ...
    def newest(self, limit: int, model: str | None = None) -> Sequence[Swap]: ...
    def active(self, server: str) -> Sequence[Swap]: ...
    def decide(self, swap_id: str, decision: Decision | None) -> None:
        """Note what an admin said; None once it is carried out."""
        ...

    def decision(self, swap_id: str) -> Decision | None: ...
    def canaries(self) -> Sequence[CanaryQuestion]: ...
    def add_canary(self, canary: CanaryQuestion) -> None: ...
    def remove_canary(self, canary_id: str) -> bool: ...
    def replays(self, model: str | None = None) -> Sequence[ReplayQuestion]: ...
    def add_replay(self, replay: ReplayQuestion) -> None: ...
    def remove_replay(self, replay_id: str) -> bool: ...
    def mark(self, marker: ChangeMarker) -> None: ...
    def markers(self, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
        """Return the markers from `first` on and before `last`, oldest first."""
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


class FileInspector(Protocol):
    """Reads model files for a report."""

    def inspect(self, path: Path) -> FileFindings:
        """Raises InvalidInput for a file that cannot be loaded."""
        ...

    def preview(self, path: Path, sample: Sample) -> str:
        """Render the file's chat template on a sample. Raises InvalidInput if it cannot, NotFound if there is none."""
        ...


class Quantizer(Protocol):
    """Makes smaller files of models."""

    def check(self, path: Path) -> ModelFile:
        """Return the file if it can be quantized. Raises InvalidInput for an unusable file, and for one that is quantized already."""
        ...

    def size(self, source: Path, precision: Precision, check: Callable[[], None]) -> int:
        """Compute the size of the result, in bytes, without writing it. `check` is called several times a second and may raise to stop.

        Raises ModelFailed.
        """
        ...

    def quantize(self, source: Path, target: Path, precision: Precision, progress: Callable[[float], None]) -> None:
        """Write the result. `progress` gets 0 to 1 several times a second and may raise to stop.

        Raises ModelFailed, Conflict (disk full).
        """
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
