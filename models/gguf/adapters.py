"""Read a LoRA adapter's file before it is loaded, and check whether the adapter fits a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput
from core.models.load_settings import Adapter
from core.models.records import AdapterFile
from models.gguf.file_names import bare, complaint, shown
from models.gguf.headers.cursor import damaged
from models.gguf.headers.header import Header, Tensor, read_header

_PARTS = (".lora_a", ".lora_b")
_TYPES = ("F32", "F16", "BF16", "Q8_0")
"""Tensor types that converters write."""


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """What an adapter's file says. pairs: for each changed tensor the shapes of A and B; A reduces the width, B restores it."""

    file: AdapterFile
    pairs: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class ChosenAdapter:
    """An adapter as loaded with one model. key: negative; separates its conversations from others in the KV cache."""

    name: str
    path: Path
    scale: float
    key: int
    version: str


def is_adapter(header: Header) -> bool:
    return header.metadata.get("general.type") == "adapter"


def read_adapter(path: Path, header: Header | None = None) -> AdapterFacts:
    """Read an adapter. header: of the file, if known. Raises InvalidInput: a bad name, a missing or damaged file, no LoRA adapter."""
    wrong = complaint(path.name)
    if wrong is not None:
        raise InvalidInput(wrong, file=shown(path.name))
    header = header or read_header(path)
    said = header.metadata
    if not is_adapter(header):
        raise InvalidInput("{file} is not an adapter.", file=path.name)
    if said.get("adapter.type") != "lora":
        raise InvalidInput("{file} is an adapter, but not a LoRA adapter.", file=path.name)
    if "adapter.alora.invocation_tokens" in header.array_lengths:
        raise InvalidInput("{file} is an activated LoRA (aLoRA), which is not supported.", file=path.name)
    architecture = said.get("general.architecture")
    if not isinstance(architecture, str) or not isinstance(said.get("adapter.lora.alpha", 0.0), float):
        raise damaged(path.name, "its architecture or its alpha is missing")
    pairs = _pairs(header)
    rank = max(a[1] for a, _ in pairs.values())
    name = bare(path.name)
    return AdapterFacts(AdapterFile(path=path, name=name, size_bytes=header.file_bytes, architecture=architecture, rank=rank), pairs)


def _pairs(header: Header) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    halves: dict[str, dict[str, Tensor]] = {}
    for tensor in header.tensors:
        base, part = tensor.name[:-7], tensor.name[-7:]
        if part in _PARTS and tensor.type in _TYPES and len(tensor.shape) >= 2:
            halves.setdefault(base, {})[part] = tensor
        elif not tensor.name.endswith("_norm.weight"):
            raise damaged(header.path.name, f"the tensor {tensor.name} of type {tensor.type} has no place in an adapter")
    if not halves:
        raise damaged(header.path.name, "it changes nothing")
    for base, found in halves.items():
        if len(found) < 2:
            raise damaged(header.path.name, f"half of what changes {base} is missing")
    return {base: (found[".lora_a"].shape, found[".lora_b"].shape) for base, found in halves.items()}


def check_matches(adapter: AdapterFacts, model: str, architecture: str, tensors: Mapping[str, tuple[int, ...]]) -> None:
    """Raise InvalidInput if the adapter was made for another model. tensors: the model's tensors with their shapes."""
    file = adapter.file
    if file.architecture != architecture:
        raise InvalidInput(
            "The adapter {file} was made for the architecture {other}; {model} is {architecture}.",
            file=file.path.name, other=repr(file.architecture[:40]), model=model, architecture=architecture,
        )  # fmt: skip
    for name, (a, b) in adapter.pairs.items():
        base = tensors.get(name, ())
        if name.endswith("token_embd.weight"):
            fits = len(base) == len(a) == len(b) == 2 and a[0] == b[0] and (b[1], a[1]) == base
        else:
            fits = 2 <= len(base) <= 3 and a[1] == b[0] and (a[0], b[1]) == base[:2] and a[2:] == b[2:] == base[2:]
        if not fits:
            raise InvalidInput(
                "The adapter {file} was made for another model: its {tensor} does not fit {model}.",
                file=file.path.name, tensor=name, model=model,
            )  # fmt: skip


def choose(adapter: Adapter) -> ChosenAdapter:
    """Read the whole file, which is small, and derive the key. It is the same after a restart, and differs for another file or scale."""
    with adapter.path.open("rb") as file:
        version = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    digest = hashlib.sha256(f"{version} {adapter.scale!r}".encode()).digest()
    return ChosenAdapter(
        name=adapter.name, path=adapter.path, scale=adapter.scale, key=-1 - (int.from_bytes(digest[:4], "little") >> 1), version=version
    )
