"""Names of model files: how they are shown, and which cannot be used."""

from __future__ import annotations

import re

ENDING = ".gguf"
_ENDING = re.compile(r"\.gguf$", re.IGNORECASE)
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)


def shown(name: str) -> str:
    """Return a name or path for display, with invalid UTF-8 and invisible characters replaced."""
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in readable)


def is_gguf(name: str) -> bool:
    return bool(_ENDING.search(name))


def bare(name: str) -> str:
    """Return the name without ending and part number, which is what the portal calls the model."""
    return _ENDING.sub("", _PART.sub(ENDING, name))


def part_of(name: str) -> tuple[str, int, int] | None:
    """(the name up to the number, number, count) of a file of a model split over several; None for any other."""
    match = _PART.search(name)
    return (name[: match.start()], int(match[1]), int(match[2])) if match else None


def complaint(name: str) -> str | None:
    """Why nothing can be loaded under this name; None if it can."""
    if shown(name) != name:
        return "The name of {file} is not UTF-8 or contains unprintable characters. Rename the file."
    if not bare(name).strip(". "):
        return "The file {file} has an extension but no name. Rename it, for example to model.gguf."
    if name != name.strip():
        return "The name of {file} begins or ends with a space. Rename the file."
    return None
