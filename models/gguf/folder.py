"""List the GGUF files that can be chosen: models, and adapters for them."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput, StoredError
from core.models.records import AdapterFile, ModelFile
from core.transfers.model_folder import STAGING
from core.transfers.remote_models import is_projector
from models.gguf.adapters import is_adapter, read_adapter
from models.gguf.facts import read_facts
from models.gguf.file_names import bare, is_gguf, part_of, shown
from models.gguf.headers.header import read_header
from models.gguf.headers.tensor_check import check_model

MAX_FILES = 2_000
"""Most files that are listed."""
DEEPEST = 12
"""Most levels of nested folders."""
READING_S = 3.0
"""Most seconds that one listing spends on unknown files; later listings read the rest."""
UNREAD = "It has not been read yet. Scan the folder again in a moment."
Described = ModelFile | AdapterFile
_State = tuple[int, int, int]
"""State of a file: time of change, size, inode."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An entry of the folder. complaint: why it is not a model file; state: None if it has none."""

    path: Path
    state: _State | None
    complaint: StoredError | None = None


class Catalog:
    """The models folder, with all folders below it, and the built-in model. Safe from any thread.

    Links are followed. A file is read once, and again when it or another part of its model changes. Unusable files are listed with the
    reason, and never prevent others from being listed.
    """

    def __init__(self, folder: Path, builtin: Path) -> None:
        self._folder = folder
        self._builtin = builtin
        self._known: dict[tuple[object, ...], Described] = {}
        self._lock = threading.Lock()

    def files(self) -> Sequence[ModelFile]:
        """List the models by name, the built-in one first; unusable ones carry their error."""
        return [file for file in self._all() if isinstance(file, ModelFile)]

    def adapters(self) -> Sequence[AdapterFile]:
        """List the LoRA adapters by name; unusable ones carry their error."""
        return [file for file in self._all() if isinstance(file, AdapterFile)]

    def _all(self) -> list[Described]:
        found = list(_walk(self._folder))
        parts: dict[tuple[str, str], list[tuple[str, _State | None]]] = {}
        for each in found:
            if part := part_of(each.path.name):
                parts.setdefault((str(each.path.parent), part[0]), []).append((each.path.name, each.state))
        listed = [each for each in found if each.complaint or (part_of(each.path.name) or ("", 1))[1] == 1]
        listed.sort(key=lambda each: each.path)
        builtin = _found(str(self._builtin))
        with self._lock:
            deadline = time.monotonic() + READING_S
            fresh: dict[tuple[object, ...], Described] = {}
            unread: list[Described] = []
            for each in [builtin, *listed[:MAX_FILES]] if builtin else listed[:MAX_FILES]:
                part = part_of(each.path.name)
                key = (str(each.path), each.state, each.complaint, *sorted(parts.get((str(each.path.parent), part[0]), ()) if part else ()))
                known = self._known.get(key)
                if known is None and time.monotonic() > deadline:
                    unread.append(_unusable(each, StoredError(UNREAD)))
                else:
                    fresh[key] = known or _describe(each)
            self._known = fresh
        if len(listed) > MAX_FILES:
            crowded = StoredError("The folder contains more than {most:,} files.", {"most": MAX_FILES})
            unread.append(ModelFile(path=self._folder, name=self._folder.name, size_bytes=0, error=crowded))
        return [*fresh.values(), *unread]


def _walk(folder: Path) -> Iterator[_Found]:
    """Yield possible models in this folder and all below it, each folder once even if links lead there twice."""
    seen: set[tuple[int, int]] = set()
    waiting = [(str(folder), 0)]
    while waiting:
        folder_path, depth = waiting.pop()
        try:
            here = Path(folder_path).stat()
            if (here.st_dev, here.st_ino) in seen:
                continue
            seen.add((here.st_dev, here.st_ino))
            with os.scandir(folder_path) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            continue  # no models folder yet, or removed meanwhile
        except OSError as error:
            yield _Found(
                Path(folder_path), None, StoredError("This folder cannot be read: {reason}.", {"reason": error.strerror or str(error)})
            )
            continue
        for name in names:
            if name == STAGING or (is_gguf(name) and is_projector(name)):
                # Skip incomplete downloads, and files that are useful only beside a model's own file.
                continue
            found = _found(f"{folder_path}/{name}")
            if found is None:
                continue
            if found.complaint is None and found.state is None:
                if depth < DEEPEST:
                    waiting.append((str(found.path), depth + 1))
            elif found.complaint or is_gguf(name):
                yield found


def _found(path: str) -> _Found | None:
    """Describe a path; a folder has neither state nor complaint. Returns None if it is gone."""
    try:
        state = Path(path).stat()
    except OSError as error:
        if not Path(path).is_symlink():
            return None
        target = shown(str(Path(path).readlink()))
        return _Found(Path(path), None, StoredError(
                "It is a link to {target}, which cannot be reached: {reason}.", {"target": target, "reason": error.strerror or str(error)}
            ))
    if stat.S_ISDIR(state.st_mode):
        return _Found(Path(path), None)
    regular = stat.S_ISREG(state.st_mode)
    complaint = None if regular or not is_gguf(path) else StoredError("It is a pipe, a socket or a device, not a file. Remove it.")
    return _Found(Path(path), (state.st_mtime_ns, state.st_size, state.st_ino), complaint)


def _describe(found: _Found) -> Described:
    adapter = False
    try:
        if found.complaint:
            return _unusable(found, found.complaint)
        header = read_header(found.path)
        adapter = is_adapter(header)
        if adapter:
            return read_adapter(found.path, header).file
        facts = read_facts(found.path, header)
        check_model(facts.headers, facts.file.architecture)
        return facts.file
    except InvalidInput as error:
        return _unusable(found, StoredError.of(error), adapter=adapter)


def _unusable(found: _Found, error: StoredError, *, adapter: bool = False) -> Described:
    """Describe an unusable file by a name that can be displayed."""
    path, size = Path(shown(str(found.path))), found.state[1] if found.state else 0
    name = bare(path.name)
    return (
        AdapterFile(path=path, name=name, size_bytes=size, error=error)
        if adapter
        else ModelFile(path=path, name=name, size_bytes=size, error=error)
    )
