"""Report on a model file from its header: contents, capabilities and faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import NotFound, StoredError
from core.models.catalogue import Capability, CatalogueEntry
from core.models.ports import FileInspector, KnownModels
from core.models.report_records import FileFindings, FileReport, Sample
from core.people.permissions import Permission, require
from core.people.records import User


class FileReports:
    """Reports on model files."""

    def __init__(self, inspector: FileInspector, known: KnownModels) -> None:
        self._inspector = inspector
        self._known = known

    def of(self, user: User, path: Path) -> FileReport:
        require(user, Permission.RUN_MODELS)
        found = self._inspector.inspect(path)
        entry = entry_of(found, self._known.entries())
        return FileReport(found=found, entry=entry, differences=tuple(_differences(found, entry)) if entry else ())

    def preview(self, user: User, path: Path, sample: Sample) -> str:
        """Return the prompt that the file's chat template produces for a sample. Raises InvalidInput, NotFound."""
        require(user, Permission.RUN_MODELS)
        if self._inspector.inspect(path).template is None:
            raise NotFound("{file} has no chat template.", file=path.name)
        return self._inspector.preview(path, sample)


def entry_of(found: FileFindings, entries: Sequence[CatalogueEntry]) -> CatalogueEntry | None:
    """Find the catalogue's entry by the file's title and name. The longest matching title wins."""
    names = [_plain(found.title), _plain(found.file.name)]
    fitting = [entry for entry in entries if any(_plain(entry.title) in name for name in names)]
    return max(fitting, key=lambda entry: len(entry.title), default=None)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _differences(found: FileFindings, entry: CatalogueEntry) -> list[StoredError]:
    file = found.file
    said = []
    if file.architecture != entry.architecture:
        names = {"found": file.architecture, "known": entry.architecture}
        said.append(StoredError("Its architecture is {found}; the catalogue says {known}.", names))
    if file.context != entry.context:
        words = "It was trained for {found:,} tokens; the catalogue says {known:,}."
        said.append(StoredError(words, {"found": file.context, "known": entry.context}))
    if file.layers != entry.layers:
        said.append(StoredError("It has {found} layers; the catalogue says {known}.", {"found": file.layers, "known": entry.layers}))
    for capability in sorted(entry.capabilities - found.capabilities - {Capability.VISION}):
        words = "The catalogue says that it can do this, but its chat template has no place for it: {capability}."
        said.append(StoredError(words, {"capability": capability.value}))
    return said
