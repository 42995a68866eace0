"""Cache the headers of the files planned last: a page plans the same file at every click."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from core.errors import InvalidInput
from models.gguf.facts import ModelFacts, read_facts
from models.serving.swapping.file_stamps import Stamp, stamps_of

MAX_FILES = 16
"""Number of files; the one used longest ago is forgotten first."""


class RecentFacts:
    """Caches facts of files. Safe from any thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[tuple[Stamp, ...], ModelFacts]] = OrderedDict()
        self._lock = Lock()

    def of(self, path: Path) -> ModelFacts:
        """Return the result of read_facts(), without reading an unchanged file again. Raises InvalidInput."""
        with self._lock:
            stamps, facts = self._known.pop(path, ((), None))
        if facts is None or not _unchanged(facts, stamps):
            facts = read_facts(path)
            stamps = stamps_of(facts.parts)
        with self._lock:
            self._known[path] = stamps, facts
            while len(self._known) > MAX_FILES:
                self._known.popitem(last=False)
        return facts


def _unchanged(facts: ModelFacts, stamps: tuple[Stamp, ...]) -> bool:
    try:
        return stamps_of(facts.parts) == stamps
    except InvalidInput:
        return False
