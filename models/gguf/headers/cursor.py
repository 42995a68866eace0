"""Read numbers, texts and lists of a GGUF header one after the other, within bounds."""

from __future__ import annotations

import struct
from typing import IO

from core.errors import InvalidInput

MAX_HEADER_BYTES = 512 * 1024 * 1024
MAX_STRING = 4 * 1024 * 1024
"""Most bytes of a string. The longest text in a header is a chat template of some 20,000 bytes."""
MAX_STRINGS = 2_000_000
"""Most strings in all lists together: a GLM's vocabulary and merges are 470,000."""
MAX_TEXT = 64 * 1024 * 1024
"""Most bytes of all texts that are kept."""
MAX_KEPT_LENGTH = 4_096
"""Longest list of numbers that is kept."""
_WINDOW = 4 * 1024 * 1024
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}


class Cursor:
    """Reads forward through the header, never past the end of the file, and keeps little of what it has read."""

    def __init__(self, file: IO[bytes], file_bytes: int, name: str) -> None:
        self._file, self._file_bytes, self._name = file, file_bytes, name
        self._window, self._begin = bytearray(), 0
        """The part of the file in memory, and its position in the file."""
        self.at = 0
        self._strings_left, self._text_left = MAX_STRINGS, MAX_TEXT

    def need(self, count: int) -> int:
        """Load `count` bytes from `at` on; return where they begin in the window."""
        self._reach(self.at + count)
        if self.at - self._begin > _WINDOW:
            del self._window[: self.at - self._begin]
            self._begin = self.at
        start = self.at - self._begin
        while len(self._window) < start + count:
            more = self._file.read(max(start + count - len(self._window), 1 << 20))
            if not more:
                raise damaged(self._name, "it shrank while being read")
            self._window += more
        return start

    def _reach(self, end: int) -> None:
        """Raise InvalidInput if the file has fewer bytes."""
        if end > self._file_bytes:
            missing = end - self._file_bytes
            raise InvalidInput(
                "{file} is truncated: at least {missing} bytes of its header are missing. Download it again.",
                file=self._name,
                missing=f"{missing:,}",
            )
        if end > MAX_HEADER_BYTES:
            raise damaged(self._name, "its header is larger than 512 MiB")

    def skip(self, count: int) -> None:
        """Skip bytes without reading them."""
        self._reach(self.at + count)
        self.at += count
        if self.at > self._begin + len(self._window):
            self._file.seek(self.at)
            self._window, self._begin = bytearray(), self.at

    def take(self, count: int) -> bytes:
        start = self.need(count)
        self.at += count
        return bytes(self._window[start : start + count])

    def number(self, form: str) -> int:
        return int(self._unpack(form))

    def scalar(self, kind: int) -> int | float | bool:
        value = self._unpack(SCALARS[kind])
        return bool(value) if kind == 7 else value

    def _unpack(self, form: str) -> int | float:
        size = struct.calcsize(form)
        (value,) = struct.unpack_from(form, self._window, self.need(size))
        self.at += size
        return value  # type: ignore[no-any-return]

    def string(self, limit: int, what: str) -> str:
        length = self.number("<Q")
        if length > limit:
            raise damaged(self._name, f"{what} claims {length:,} bytes")
        self._text_left -= length
        if self._text_left < 0:
            raise damaged(self._name, f"its header holds more than {MAX_TEXT:,} bytes of text")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise damaged(self._name, f"{what} is not UTF-8") from None

    def label(self, limit: int, what: str) -> str:
        """Read a printable string, which may appear in a sentence."""
        text = self.string(limit, what)
        if not text.isprintable():
            raise damaged(self._name, f"{what} contains characters that cannot be displayed")
        return text

    def skip_strings(self, count: int) -> None:
        self._strings_left -= count
        if self._strings_left < 0:
            raise damaged(self._name, f"its lists hold more than {MAX_STRINGS:,} texts")
        for _ in range(count):
            # Skip in place, mostly within the window: a vocabulary has some hundred thousand strings.
            start = self.at - self._begin
            if start + 8 > len(self._window):
                start = self.need(8)
            length = int.from_bytes(self._window[start : start + 8], "little")
            if length > MAX_STRING:
                raise damaged(self._name, f"a string claims {length:,} bytes")
            self.at += 8 + length
            if self.at > self._begin + len(self._window):
                self.at -= 8 + length
                self.skip(8 + length)

    def array(self, kind: int, count: int) -> list[int | float | bool | str] | None:
        """Read an array; return None for a long one. Arrays per layer are short, and arrays per token are not needed."""
        form = SCALARS[kind][1]
        size = struct.calcsize("<" + form) * count
        if count > MAX_KEPT_LENGTH:
            self.skip(size)
            return None
        return list(struct.unpack(f"<{count}{form}", self.take(size)))


def damaged(name: str, reason: str) -> InvalidInput:
    return InvalidInput("{file} is damaged: {reason}. Download it again.", file=name, reason=reason)
