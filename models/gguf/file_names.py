"""Names of model files: how to show them, and which cannot be used."""

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
    """Return the name without ending and part number: the portal's name of the model."""
    return _ENDING.sub("", _PART.sub(ENDING, name))


def part_of(name: str) -> tuple[str, int, int] | None:
    """Return (name before the number, number, count) for a part of a split model; None for any other file."""
    match = _PART.search(name)
    return (name[: match.start()], int(match[1]), int(match[2])) if match else None


def complaint(name: str) -> str | None:
    """Return why no model can be loaded under this name; None if one can."""
    if shown(name) != name:
        return "The name of {file} is not UTF-8 or contains unprintable characters. Rename the file."
    if not bare(name).strip(". "):
        return "The file {file} has an extension but no name. Rename it, for example to model.gguf."
    if name != name.strip():
        return "The name of {file} begins or ends with a space. Rename the file."
    return None
