"""Define what a report on a model file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import StoredError
from core.models.catalogue import Capability, CatalogueEntry
from core.models.records import ModelFile


class Sample(StrEnum):
    """A conversation to show a chat template with."""

    THINKING = "thinking"
    NO_THINKING = "no_thinking"
    TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class TensorShare:
    """All tensors of one type."""

    type: str
    tensors: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFindings:
    """What a file says about itself."""

    file: ModelFile
    title: str
    """general.name."""
    parts: int
    metadata: Mapping[str, str]
    """Every key of the header with its value, shortened."""
    tensors: tuple[TensorShare, ...]
    """Largest first."""
    tokenizer: Mapping[str, str]
    template: str | None
    capabilities: frozenset[Capability]
    warnings: tuple[tuple[StoredError, StoredError], ...]
    """Each with its cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What a file says about itself, next to what the catalogue knows of its model."""

    found: FileFindings
    entry: CatalogueEntry | None
    """The model of the catalogue that it is, if it is known."""
    differences: tuple[StoredError, ...]
    """Where the file and the catalogue disagree."""
