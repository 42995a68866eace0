"""Group the files of a repository into models: the parts of a split model, and its projector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from core.errors import InvalidInput, NotFound
from core.models.catalogue import Listing, RemoteFile, RemoteModel

_ENDING = re.compile(r"\.gguf$", re.IGNORECASE)
_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_PROJECTOR = re.compile(r"(^|[-_.])mmproj([-_.]|$)", re.IGNORECASE)
_MAX_LENGTH = 200
"""Most bytes of a file name. File systems allow 255, of which a download needs some for its own extension."""


def models_of(listing: Listing) -> Sequence[RemoteModel]:
    """Return the GGUF models of a repository by name, without projectors and incomplete split models."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in listing.files:
        if _ENDING.search(file.name) and not is_projector(file.name):
            groups.setdefault(_whole(file.name), []).append(file)
    models = []
    for name, files in sorted(groups.items()):
        files.sort(key=lambda file: file.name)
        if _complete(files):
            models.append(RemoteModel(PurePosixPath(name).name, tuple(files)))
    return models


def projector_of(listing: Listing) -> RemoteFile | None:
    """Return the projector to download with a model: the F16 one if there are several, else the first by name."""
    found = sorted((file for file in listing.files if is_projector(file.name) and _ENDING.search(file.name)), key=lambda file: file.name)
    exact = [file for file in found if re.search(r"(?<!b)f16", file.name, re.IGNORECASE)]
    return next(iter(exact or found), None)


def choose(listing: Listing, wanted: str, *, projector: bool, repository: str) -> RemoteModel:
    """Return the model with a given quantization, file name or model name, with its projector if one is wanted.

    Raises NotFound, which lists the models of the repository, and InvalidInput for a file whose name cannot be stored.
    """
    models = models_of(listing)
    found = [each for each in models if wanted in (each.name, *(file.name for file in each.files))]
    found = found or [each for each in models if _quantized(each.name, wanted)]
    if not found:
        names = ", ".join(each.name for each in models[:20]) or "none"
        raise NotFound("{repository} has no GGUF file {wanted}. It has: {names}.", repository=repository, wanted=wanted, names=names)
    model = found[0]
    extra = projector_of(listing) if projector else None
    files = (*model.files, extra) if extra else model.files
    for file in files:
        check_name(PurePosixPath(file.name).name)
    return RemoteModel(model.name, files)


def is_projector(name: str) -> bool:
    return bool(_PROJECTOR.search(PurePosixPath(name).name))


def check_name(name: str) -> None:
    """Raise InvalidInput for a file name that cannot be stored or loaded. Spaces, Chinese and emoji are fine inside a name."""
    if not name or name != PurePosixPath(name).name or name in (".", "..") or "\\" in name or "\0" in name:
        raise InvalidInput("{name} is not the name of a file.", name=repr(name[:80]))
    if name.startswith("."):
        raise InvalidInput("The name of {name} begins with a dot. Rename the file.", name=repr(name[:80]))
    if any(not sign.isprintable() and sign != "\u200d" for sign in name):
        raise InvalidInput("The name {name} contains unprintable characters. Rename the file.", name=repr(name[:80]))
    if name != name.strip() or not _ENDING.sub("", name).strip(". "):
        raise InvalidInput(
            "The name {name} begins or ends with a space, or has nothing before its extension. Rename the file.", name=repr(name[:80])
        )
    if not _ENDING.search(name):
        raise InvalidInput("{name} is not a GGUF file. Its name must end in .gguf.", name=repr(name[:80]))
    if len(name.encode()) > _MAX_LENGTH:
        raise InvalidInput("The name {name} is longer than {most} bytes. Rename the file.", name=repr(name[:40]), most=_MAX_LENGTH)


def _whole(name: str) -> str:
    """Return the path without its extension and part number."""
    return _PART.sub("", _ENDING.sub("", name))


def _complete(files: Sequence[RemoteFile]) -> bool:
    parts = [_PART.search(_ENDING.sub("", file.name)) for file in files]
    if parts[0] is None:
        return len(files) == 1
    return sorted(int(part[1]) for part in parts if part) == list(range(1, int(parts[0][2]) + 1))


def _quantized(name: str, quantization: str) -> bool:
    """Tell whether the name ends in this quantization. "UD-Q4_K_M" is not the same as "Q4_K_M"."""
    found = re.search(rf"(^|[-._ ]){re.escape(quantization)}$", name, re.IGNORECASE)
    if not found:
        return False
    return quantization.upper().startswith("UD-") or not name[: found.start()].upper().endswith("UD")
