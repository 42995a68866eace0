"""Define the contents of a report on a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import StoredError
from core.models.catalogue import Capability, CatalogueEntry
from core.models.records import ModelFile


class Sample(StrEnum):
    """Sample conversations that demonstrate a chat template."""

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
    """The contents of a file's header."""

    file: ModelFile
    title: str
    """The value of `general.name`."""
    parts: int
    metadata: Mapping[str, str]
    """Every key of the header with its shortened value."""
    tensors: tuple[TensorShare, ...]
    """Largest first."""
    tokenizer: Mapping[str, str]
    template: str | None
    capabilities: frozenset[Capability]
    warnings: tuple[tuple[StoredError, StoredError], ...]
    """Pairs of a warning and its solution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """The contents of a file's header, compared with the catalogue's entry of its model."""

    found: FileFindings
    entry: CatalogueEntry | None
    """The catalogue's entry of the model; None for an unknown model."""
    differences: tuple[StoredError, ...]
    """Differences between the file and the catalogue."""
