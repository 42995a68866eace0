"""Find the projector that belongs to a model, and the memory that it needs."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import InvalidInput
from core.models.load_settings import LoadSettings
from core.transfers.remote_models import is_projector
from models.gguf.file_names import bare, is_gguf
from models.gguf.headers.header import Header, read_header

MAX_PATCHES = 4 * 4096
"""Most patches of the largest image that a GLM-V reads: 4,096 tokens of four patches each."""
CACHE_BYTES = 256_000_000
"""Bytes of image embeddings that are kept."""
_WORD = re.compile(r"[-_.]?mmproj[-_.]?", re.IGNORECASE)
_PRECISION = re.compile(r"[-_.](f16|bf16|f32|q8_0)$", re.IGNORECASE)


def projector_for(model: Path, settings: LoadSettings) -> Path | None:
    """Return the projector to load with a model; None if the model sees no images. Raises InvalidInput for a named one that is missing.

    A model in its own process sees no images.
    """
    if settings.isolated or settings.projector == "":
        return None
    beside = projectors_beside(model)
    if settings.projector is None:
        return beside[0] if beside else None
    found = next((path for path in _in_folder(model) if path.name == settings.projector), None)
    if found is None:
        names = ", ".join(path.name for path in beside) or "none"
        raise InvalidInput(
            "There is no projector {file} beside {model}. Beside it: {files}.", file=settings.projector[:200], model=model.name, files=names
        )
    return found


def projectors_beside(model: Path) -> list[Path]:
    """Return the projectors in a model's folder that belong to it: by name, or because the folder holds no other model. F16 comes first."""
    found = _in_folder(model)
    own = bare(model.name).lower()
    named = [path for path in found if (base := _base(path)) and own.startswith(base)]
    alone = len({_family(path.name) for path in model.parent.glob("*.gguf") if not is_projector(path.name)}) == 1
    return sorted(named or (found if alone else []), key=lambda path: (not re.search(r"[-_.]f16", path.name, re.IGNORECASE), path.name))


def projector_bytes(path: Path) -> int:
    """Return the bytes that a projector needs: its weights, one large image and the cache. Raises InvalidInput for another file."""
    header = read_header(path)
    if header.metadata.get("general.architecture") != "clip":
        raise InvalidInput("{file} is no projector. Leave it out, or choose another.", file=path.name)
    return path.stat().st_size + MAX_PATCHES * 4 * _widest(header) + CACHE_BYTES


def _widest(header: Header) -> int:
    """Return how many numbers of one patch are held at once while an image is encoded."""
    found = [header.metadata.get(f"clip.vision.{key}") for key in ("embedding_length", "feed_forward_length")]
    width, inner = (each if isinstance(each, int) else 0 for each in found)
    return 6 * width + 2 * inner


def _in_folder(model: Path) -> list[Path]:
    return sorted(path for path in model.parent.iterdir() if is_gguf(path.name) and is_projector(path.name))


def _base(projector: Path) -> str:
    """Return the model's name in a projector's name, such as mmproj-GLM-4.6V-Flash-F16.gguf; empty if it has none."""
    name = _PRECISION.sub("", _WORD.sub("", bare(projector.name)))
    return "" if name.lower() in ("", "f16", "bf16", "f32", "model") else name.lower()


def _family(name: str) -> str:
    """Return the name without quantization and part, so that two sizes of a model count as one."""
    return re.split(r"[-_.](?:I?Q\d|F16|BF16|F32)", bare(name), maxsplit=1, flags=re.IGNORECASE)[0].lower()
