"""The GGUF files there are to choose from: models, and adapters for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from core.errors import InvalidInput
from core.models.records import AdapterFile, ModelFile
from models.gguf.adapters import is_adapter, read_adapter
from models.gguf.facts import model_name, read_facts
from models.gguf.header import read_header

_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")


class Catalog:
    """The models folder, with all below it, and the built-in model. Headers are read once per change of a file."""

    def __init__(self, folder: Path, builtin: Path) -> None:
        self._folder = folder
        self._builtin = builtin
        self._known: dict[tuple[Path, int, int], ModelFile | AdapterFile] = {}

    def files(self) -> Sequence[ModelFile]:
        """The models by name, the built-in one first; those that cannot be used carry their error."""
        return [file for file in self._all() if isinstance(file, ModelFile)]

    def adapters(self) -> Sequence[AdapterFile]:
        """The LoRA adapters by name; those that cannot be used carry their error."""
        return [file for file in self._all() if isinstance(file, AdapterFile)]

    def _all(self) -> list[ModelFile | AdapterFile]:
        found = sorted(path for path in self._folder.rglob("*.gguf") if not _LATER_PART.search(path.name))
        fresh: dict[tuple[Path, int, int], ModelFile | AdapterFile] = {}
        for path in [self._builtin, *found]:
            try:
                state = path.stat()
            except OSError:
                continue  # removed since it was listed, or a broken link
            key = (path, state.st_mtime_ns, state.st_size)
            # A file with a complaint is read again: a missing part may have come.
            known = self._known.get(key)
            fresh[key] = known if known and known.error is None else _describe(path, state.st_size)
        self._known = fresh
        return list(fresh.values())


def _describe(path: Path, size: int) -> ModelFile | AdapterFile:
    adapter = False
    try:
        adapter = is_adapter(read_header(path))
        return read_adapter(path).file if adapter else read_facts(path).file
    except InvalidInput as error:
        name = model_name(path)
        return AdapterFile(path, name, size, error=str(error)) if adapter else ModelFile(path, name, size, error=str(error))
