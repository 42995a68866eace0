"""Read and write the configuration file, and detect edits made on disk."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from core.errors import Unavailable

MAX_BYTES = 256 * 1024
Stamp = tuple[int, int, int] | None


class PlatformsFile:
    """The configuration file on disk. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: Stamp = None
        self._text: str | None = None

    @property
    def text(self) -> str | None:
        """Return the text last read or written; None before that."""
        return self._text

    def changed(self) -> str | None:
        """Return the text if the file differs from the text last read or written; else None.

        A missing file counts as unchanged, so that the current configuration stays in use. Raises Unavailable if it cannot be read.
        """
        stamp = self._look()
        if stamp is None or stamp == self._stamp:
            return None
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            text = content.decode("utf-8")
        except OSError as problem:
            raise Unavailable("{path} cannot be read ({reason}).", path=self.path, reason=problem.strerror) from problem
        except UnicodeDecodeError as problem:
            self._stamp = stamp
            raise Unavailable("{path} is not UTF-8 text.", path=self.path) from problem
        self._stamp = stamp
        if len(content) > MAX_BYTES:
            raise Unavailable("{path} is larger than {most} KB.", path=self.path, most=MAX_BYTES // 1024)
        if text == self._text:
            return None
        self._text = text
        return text

    def write(self, text: str) -> None:
        """Replace the file atomically. Raises Unavailable if it cannot be written."""
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(text.encode("utf-8"))
            part.replace(self.path)
        except OSError as problem:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise Unavailable("{path} cannot be written ({reason}).", path=self.path, reason=problem.strerror) from problem
        self._stamp, self._text = self._look(), text

    def _look(self) -> Stamp:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
