"""Read GGUF headers strictly in Python before llama.cpp sees the file: native parsers have overflowed on crafted ones.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import InvalidInput
from models.gguf.file_names import shown

Value = int | float | bool | str | list[int | float | bool | str]

MAX_HEADER_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 100_000
"""Most metadata keys, and most tensors: the largest GLM has fewer than 2,000 of either."""
MAX_TENSOR_NAME = 63
MAX_KEY = 65_535
MAX_STRING = 4 * 1024 * 1024
"""Most bytes of a string. The longest text in a header is a chat template of some 20,000 bytes."""
MAX_ARRAY = 4_000_000
MOST_STRINGS = 2_000_000
"""Most strings in all lists together: a GLM's vocabulary and merges are 470,000."""
MOST_TEXT = 64 * 1024 * 1024
"""Most bytes of all texts that are kept."""
LONGEST_KEPT = 4_096
"""Longest list of numbers that is kept."""
_WINDOW = 4 * 1024 * 1024

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

# ggml type: (name, values per block, bytes per block)
TENSOR_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the file. offset: bytes from the start of the tensor data."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    size: int

    @property
    def elements(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a GGUF. metadata: long lists and lists of strings are reduced to their length."""

    path: Path
    file_bytes: int
    metadata: dict[str, Value]
    array_lengths: dict[str, int]
    tensors: tuple[Tensor, ...]
    data_offset: int

    @property
    def tensor_bytes(self) -> int:
        return sum(tensor.size for tensor in self.tensors)


class _Cursor:
    """Reads forward through the header, never past the end of the file, and keeps little of what it has read."""

    def __init__(self, file: IO[bytes], file_bytes: int, name: str) -> None:
        self._file, self._file_bytes, self._name = file, file_bytes, name
        self._window, self._begin = bytearray(), 0
        """The part of the file in memory, and its position in the file."""
        self.at = 0
        self._strings_left, self._text_left = MOST_STRINGS, MOST_TEXT

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
        value = self._unpack(_SCALARS[kind])
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
            raise damaged(self._name, f"its header holds more than {MOST_TEXT:,} bytes of text")
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
            raise damaged(self._name, f"its lists hold more than {MOST_STRINGS:,} texts")
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
        form = _SCALARS[kind][1]
        size = struct.calcsize("<" + form) * count
        if count > LONGEST_KEPT:
            self.skip(size)
            return None
        return list(struct.unpack(f"<{count}{form}", self.take(size)))


def damaged(name: str, reason: str) -> InvalidInput:
    return InvalidInput("{file} is damaged: {reason}. Download it again.", file=name, reason=reason)


def read_header(path: Path) -> Header:
    """Read a header. Raises InvalidInput if the file is missing, not a GGUF, damaged or truncated; the sentence says which."""
    try:
        with _open(path) as file:
            file_bytes = file.seek(0, 2)
            file.seek(0)
            return _read(_Cursor(file, file_bytes, shown(path.name)), path, file_bytes)
    except FileNotFoundError:
        raise InvalidInput("The file {file} does not exist.", file=shown(str(path))) from None
    except (OSError, ValueError) as error:
        raise InvalidInput("{file} cannot be read: {reason}.", file=shown(path.name), reason=_words(error)) from None


def _open(path: Path) -> IO[bytes]:
    """Open a file without waiting: opening a pipe without a writer would block forever. Raises OSError, InvalidInput if it is not a file.
    """
    _demand_regular(path, path.stat().st_mode)
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    file = os.fdopen(number, "rb")
    try:
        _demand_regular(path, os.fstat(number).st_mode)
    except InvalidInput:
        file.close()
        raise
    return file


def _demand_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "folder" if stat.S_ISDIR(mode) else "pipe, a socket or a device"
        raise InvalidInput("{file} cannot be read: it is a {what}, not a file.", file=shown(path.name), what=what)


def _words(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _read(cursor: _Cursor, path: Path, file_bytes: int) -> Header:
    name = shown(path.name)
    if file_bytes < 24:
        raise InvalidInput("{file} is not a GGUF file: it has only {size} bytes.", file=name, size=file_bytes)
    if cursor.take(4) != b"GGUF":
        raise InvalidInput("{file} is not a GGUF file: it does not begin with the letters GGUF.", file=name)
    version = cursor.number("<I")
    if version not in (2, 3):
        raise InvalidInput("{file} has GGUF version {version}; versions 2 and 3 are supported.", file=name, version=version)
    tensors, entries = cursor.number("<Q"), cursor.number("<Q")
    # The smallest entries take 13 and 24 bytes: refuse a count that cannot fit before allocating anything for it.
    if tensors > MAX_ENTRIES or entries > MAX_ENTRIES or tensors * 24 + entries * 13 > file_bytes:
        raise damaged(name, f"it claims {tensors:,} tensors and {entries:,} metadata entries")
    metadata, lengths = _read_metadata(cursor, name, entries)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20 or alignment & (alignment - 1):
        raise damaged(name, f"its alignment is {alignment}")
    table = _read_tensors(cursor, name, tensors, alignment)
    data_offset = _padded(cursor.at, alignment)
    end = data_offset + max((tensor.offset + tensor.size for tensor in table), default=0)
    if end > file_bytes:
        raise InvalidInput(
            "{file} is truncated: {missing} of {expected} bytes are missing. Download it again.",
            file=name,
            missing=f"{end - file_bytes:,}",
            expected=f"{end:,}",
        )
    return Header(path=path, file_bytes=file_bytes, metadata=metadata, array_lengths=lengths, tensors=table, data_offset=data_offset)


def _read_metadata(cursor: _Cursor, name: str, entries: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    for _ in range(entries):
        key = cursor.label(MAX_KEY, "a metadata key")
        if key in metadata or key in lengths:
            raise damaged(name, f"the key {key[:80]} appears twice")
        kind = cursor.number("<I")
        if kind == _STRING:
            metadata[key] = cursor.string(MAX_STRING, f"the text of {key[:80]}")
        elif kind in _SCALARS:
            metadata[key] = cursor.scalar(kind)
        elif kind == _ARRAY:
            element, count = cursor.number("<I"), cursor.number("<Q")
            if count > MAX_ARRAY or (element != _STRING and element not in _SCALARS):
                raise damaged(name, f"the list {key[:80]} claims {count:,} entries of type {element}")
            lengths[key] = count
            if element == _STRING:
                cursor.skip_strings(count)
            else:
                numbers = cursor.array(element, count)
                if numbers is not None:
                    metadata[key] = numbers
        else:
            raise damaged(name, f"the key {key[:80]} has the unknown type {kind}")
    return metadata, lengths


def _read_tensors(cursor: _Cursor, name: str, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: dict[str, Tensor] = {}
    expected = 0
    for _ in range(count):
        tensor_name = cursor.label(MAX_TENSOR_NAME, "a tensor's name")
        dimensions = cursor.number("<I")
        if not 1 <= dimensions <= 4:
            raise damaged(name, f"the tensor {tensor_name} has {dimensions} dimensions")
        shape = tuple(cursor.number("<Q") for _ in range(dimensions))
        kind, offset = cursor.number("<I"), cursor.number("<Q")
        tensor = _tensor(name, tensor_name, shape, kind, offset)
        if tensor_name in tensors:
            raise damaged(name, f"the tensor {tensor_name} appears twice")
        if offset != expected:
            raise damaged(name, f"the tensor {tensor_name} lies at {offset:,} instead of {expected:,}")
        expected += _padded(tensor.size, alignment)
        tensors[tensor_name] = tensor
    return tuple(tensors.values())


def _tensor(file: str, name: str, shape: tuple[int, ...], kind: int, offset: int) -> Tensor:
    if kind not in TENSOR_TYPES:
        raise damaged(file, f"the tensor {name} has the unknown type {kind}")
    type_name, block, block_bytes = TENSOR_TYPES[kind]
    tensor = Tensor(name=name, shape=shape, type=type_name, offset=offset, size=0)
    if any(length <= 0 for length in shape) or tensor.elements >= 1 << 53 or shape[0] % block:
        raise damaged(file, f"the tensor {name} has the impossible shape {'x'.join(map(str, shape))}")
    return Tensor(name=name, shape=shape, type=type_name, offset=offset, size=tensor.elements // block * block_bytes)


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment
