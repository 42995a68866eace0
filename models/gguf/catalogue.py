"""Read the catalogue of known models, strictly, and plan the memory that one of them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from core.errors import NotFound
from core.models.catalogue import Capability, CatalogueEntry, Checked, Hub, Quantization, Repository, Sampling
from core.models.load_settings import LoadSettings
from core.models.memory_records import MemoryPlan
from core.models.quantization import BITS_PER_WEIGHT as QUANTIZED_BITS
from core.models.records import ModelFile, ModelKind
from models.gguf.facts import ModelFacts
from models.gguf.memory_plan import plan_load
from models.gguf.room import Room

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
LANGUAGES = ("en", "zh")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader takes a tenth of the time; some builds of PyYAML lack it."""
BITS_PER_WEIGHT = {
    **{precision.value: bits for precision, bits in QUANTIZED_BITS.items()}, "F16": 16.0, "BF16": 16.0, "UD-Q4_K_XL": 4.9,
    "UD-Q2_K_XL": 2.9,
}  # fmt: skip
"""Bits per weight of a whole file, in which some tensors are more precise than its name says. Taken from published files of GLM-4.7-Flash
where they exist."""
_Choice = TypeVar("_Choice", bound=StrEnum)
_LAYER_SHARE = 0.93
"""Share of the weights that lies in layers; the rest are embeddings and the output."""
_DERIVED = {"sizes"}
"""Keys of the file that are not fields of an entry."""


class Catalogue:
    """The models that this version of the portal knows. Implements core's KnownModels."""

    def __init__(self, path: Path = CATALOGUE, room: Callable[[], Room] | None = None) -> None:
        """Read the catalogue. Raises ValueError with the entry and the key if the file cannot be used.

        room: returns what a load can take now; None: the machine's free memory.
        """
        self._room = room
        self._entries = read_catalogue(path.read_text("utf-8"))

    def entries(self) -> Sequence[CatalogueEntry]:
        return self._entries

    def entry(self, name: str) -> CatalogueEntry:
        for each in self._entries:
            if name.lower() in (each.id, each.title.lower()):
                return each
        raise NotFound("The catalogue has no model {name}.", name=name)

    def plan(self, entry: CatalogueEntry, quantization: Quantization) -> MemoryPlan:
        facts = _facts(entry, quantization)
        if self._room is None:
            return plan_load(facts, LoadSettings()).memory
        room = self._room()
        return room.limited(plan_load(facts, LoadSettings(), host=room.host, gpus=room.gpus).memory)


@lru_cache(maxsize=4)
def read_catalogue(written: str) -> tuple[CatalogueEntry, ...]:
    """Parse the catalogue. Raises ValueError: an unknown or missing key, a value of the wrong type, a duplicate id."""
    loaded = yaml.load(written, Loader=_LOADER)
    if not isinstance(loaded, list):
        raise ValueError("The catalogue must be a list of models.")
    entries = tuple(_entry(each) for each in loaded)
    for number, entry in enumerate(entries):
        if any(entry.id == other.id for other in entries[:number]):
            raise ValueError(f"{entry.id} is in the catalogue twice.")
    return entries


def _entry(raw: object) -> CatalogueEntry:
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        raise ValueError("Each model of the catalogue must be a mapping with an id.")
    values: dict[str, Any] = {
        "kind": "chat", "latent_length": 0, "index_length": 0, "pooling": "", "projector": False, "projector_bytes": 0, "trouble": {},
        "sizes": {}, **raw,
    }  # fmt: skip
    name = raw["id"]
    values.setdefault("active_parameters", values.get("parameters"))
    wanted = {each.name for each in fields(CatalogueEntry)} | _DERIVED
    _same_keys(name, values, wanted)
    for key in ("parameters", "active_parameters", "layers", "heads", "kv_heads", "embedding", "feed_forward", "vocabulary", "context"):
        _number(name, key, values[key], 1)
    for key in ("key_length", "latent_length", "index_length", "projector_bytes"):
        _number(name, key, values[key], 0)
    for key in ("title", "architecture", "licence", "pooling"):
        if not isinstance(values[key], str):
            raise ValueError(f"{name}: {key} must be text.")
    if not isinstance(values["projector"], bool) or (values["projector_bytes"] and not values["projector"]):
        raise ValueError(f"{name}: projector must be true or false, and true where projector_bytes is given.")
    sizes = values.pop("sizes")
    parameters = values["parameters"]
    return CatalogueEntry(
        **{
            **values,
            "kind": _choice(name, "kind", ModelKind, values["kind"]),
            "capabilities": frozenset(_choice(name, "capabilities", Capability, each) for each in values["capabilities"]),
            "sampling": {str(task): _sampling(name, each) for task, each in _mapping(name, "sampling", values["sampling"]).items()},
            "repositories": tuple(_repository(name, each) for each in values["repositories"]),
            "quantizations": _quantizations(name, parameters, values["quantizations"], _mapping(name, "sizes", sizes)),
            "trouble": _trouble(name, _mapping(name, "trouble", values["trouble"])),
            "checked": _choice(name, "checked", Checked, values["checked"]),
        }
    )


def _same_keys(where: str, values: Mapping[Any, object], wanted: set[str], optional: set[str] | None = None) -> None:
    if unknown := sorted(str(key) for key in values if key not in wanted):
        raise ValueError(f"{where}: {unknown[0]} is not a key of the catalogue.")
    if missing := sorted(wanted - (optional or set()) - set(values)):
        raise ValueError(f"{where}: {missing[0]} is missing.")


def _number(where: str, key: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{where}: {key} must be a whole number from {least} on.")


def _mapping(where: str, key: str, value: object) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {key} must be a mapping.")
    return value


def _choice(where: str, key: str, choices: type[_Choice], value: object) -> _Choice:
    try:
        return choices(str(value))
    except ValueError:
        raise ValueError(f"{where}: {key} must be one of {', '.join(choices)}, not {value}.") from None


def _sampling(where: str, raw: object) -> Sampling:
    values = _mapping(where, "sampling", raw)
    names = {each.name for each in fields(Sampling) if each.default is not MISSING}
    _same_keys(f"{where}: sampling", values, names, names)
    if not all(isinstance(value, int | float) for value in values.values()):
        raise ValueError(f"{where}: sampling must be numbers.")
    return Sampling(**values)


def _repository(where: str, raw: object) -> Repository:
    values = _mapping(where, "repositories", raw)
    _same_keys(f"{where}: repositories", values, {"hub", "name"})
    return Repository(_choice(where, "hub", Hub, values["hub"]), str(values["name"]))


def _quantizations(where: str, parameters: int, names: object, sizes: Mapping[Any, Any]) -> tuple[Quantization, ...]:
    if not isinstance(names, list) or not names:
        raise ValueError(f"{where}: quantizations must be a list of names.")
    if unknown := sorted(str(name) for name in sizes if name not in names):
        raise ValueError(f"{where}: sizes has {unknown[0]}, which is not among its quantizations.")
    for name, size in sizes.items():
        _number(where, f"sizes.{name}", size, 1)
    found = []
    for name in names:
        if name not in BITS_PER_WEIGHT:
            raise ValueError(f"{where}: the bits per weight of {name} are unknown.")
        found.append(Quantization(name, sizes.get(name) or round(parameters * BITS_PER_WEIGHT[name] / 8), name not in sizes))
    return tuple(found)


def _trouble(where: str, raw: Mapping[Any, Any]) -> Mapping[str, tuple[str, ...]]:
    if raw:
        _same_keys(f"{where}: trouble", raw, set(LANGUAGES))
    if any(not isinstance(lines, list) for lines in raw.values()) or len({len(lines) for lines in raw.values()}) > 1:
        raise ValueError(f"{where}: trouble must have as many sentences in each language.")
    return {language: tuple(str(line) for line in lines) for language, lines in raw.items()}


def _facts(entry: CatalogueEntry, quantization: Quantization) -> ModelFacts:
    """Return what the memory plan needs to know of a file that is not downloaded yet."""
    size = quantization.size_bytes
    file = ModelFile(
        path=Path(f"{entry.id}.gguf"), name=entry.title, size_bytes=size, architecture=entry.architecture, quantization=quantization.name,
        parameters=entry.parameters, context=entry.context, layers=entry.layers, thinking=Capability.THINKING in entry.capabilities,
        kind=entry.kind,
    )  # fmt: skip
    return ModelFacts(
        file=file, title=entry.title, template=None, vocabulary=entry.vocabulary, embedding=entry.embedding,
        feed_forward=entry.feed_forward, heads=entry.heads, kv_heads=(entry.kv_heads,) * entry.layers, key_length=entry.key_length,
        value_length=entry.key_length, latent_length=entry.latent_length, weights_bytes=size, layer_bytes=round(size * _LAYER_SHARE),
        parts=(file.path,), pooling=entry.pooling, causal=entry.pooling not in ("cls", "mean"),
        index_length=entry.index_length * entry.layers,
    )  # fmt: skip
