"""Define the entries of the catalogue: known models, their facts, and the repositories of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import NotFound
from core.models.records import ModelKind


class Hub(StrEnum):
    """A site that hosts model files."""

    HUGGING_FACE = "huggingface"
    MODELSCOPE = "modelscope"


class Capability(StrEnum):
    """An ability that a model was trained for, beyond plain text."""

    THINKING = "thinking"
    TOOLS = "tools"
    VISION = "vision"


class Checked(StrEnum):
    """How the facts of an entry were checked."""

    HEADER = "header"
    """Read from the header of a GGUF file of this model."""
    CARD = "card"
    """Taken from the model card and the configuration file, without running the model."""
    REPORTS = "reports"
    """Taken from reports of other people, without running the model."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with GGUF files of a model. name: "owner/name"."""

    hub: Hub
    name: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. name: its path inside the repository. sha256: None if the hub does not state it."""

    name: str
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one revision."""

    revision: str
    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """Files that are downloaded together: all parts of a split model, and its projector.

    name: the name of the first file without its extension and part number.
    """

    name: str
    files: tuple[RemoteFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Recommended sampling parameters; None for those that the model card does not mention."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Quantization:
    """One available precision of a model. estimated: whether the size was computed from parameters and bits per weight."""

    name: str
    size_bytes: int
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A known model. Lengths are in values, not bytes. latent_length: length of a compressed (MLA) cache entry; 0: ordinary attention."""

    id: str
    title: str
    kind: ModelKind
    architecture: str
    parameters: int
    active_parameters: int
    """Parameters used for each token; equal to `parameters` unless the model is a mixture of experts."""
    layers: int
    heads: int
    kv_heads: int
    key_length: int
    latent_length: int
    index_length: int
    """Length of each layer's index entry per token, by which sparse attention selects tokens; 0 for full attention."""
    embedding: int
    feed_forward: int
    vocabulary: int
    context: int
    """Context length in tokens that the model was trained for."""
    pooling: str
    """How an embedding or reranking model makes one vector; empty for a chat model."""
    licence: str
    capabilities: frozenset[Capability]
    sampling: Mapping[str, Sampling]
    """Recommended sampling parameters by task, for example "chat" and "tools"."""
    repositories: tuple[Repository, ...]
    quantizations: tuple[Quantization, ...]
    projector: bool
    """Whether the model has a projector, a second file that reads images."""
    projector_bytes: int
    """The size of the projector; 0 if there is none or its size is unknown."""
    trouble: Mapping[str, tuple[str, ...]]
    """Known problems and their solutions: sentences by language."""
    checked: Checked

    def quantization(self, name: str) -> Quantization:
        """Return a quantization by its name, ignoring case. Raises NotFound."""
        for each in self.quantizations:
            if each.name.lower() == name.lower():
                return each
        names = ", ".join(each.name for each in self.quantizations)
        raise NotFound("{model} is not listed in {quantization}. Choose one of: {names}.", model=self.title, quantization=name, names=names)
