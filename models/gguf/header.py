"""GGUF headers, read strictly in Python before llama.cpp may see the file: native parsers have overflowed on crafted ones.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import InvalidInput

Value = int | float | bool | str | list[int | float | bool | str]

MAX_HEADER_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 100_000
"""Metadata keys, and tensors: the largest GLM has fewer than 2,000 of either."""
MAX_TENSOR_NAME = 63
MAX_KEY = 65_535
MAX_STRING = 4 * 1024 * 1024
"""A chat template is the longest text in a header: some 20,000 bytes."""
MAX_ARRAY = 4_000_000

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

# ggml type: (name, values in a block, bytes of a block)
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
    """offset: bytes from the start of the tensor data."""

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
    """What a GGUF says about itself. metadata: arrays of strings are kept as their length only, for they are large."""

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
    """Reads forward through the header, never past the end of the file, growing its buffer as needed."""

    def __init__(self, file: IO[bytes], file_bytes: int, name: str) -> None:
        self._file, self._file_bytes, self._name = file, file_bytes, name
        self.buffer = bytearray()
        self.at = 0

    def need(self, count: int) -> None:
        end = self.at + count
        if end > self._file_bytes:
            missing = end - self._file_bytes
            raise InvalidInput(
                "{file} is truncated: at least {missing} bytes of its header are missing. Download it again.",
                file=self._name,
                missing=f"{missing:,}",
            )
        if end > MAX_HEADER_BYTES:
            raise damaged(self._name, "its header is larger than 512 MiB")
        while len(self.buffer) < end:
            more = self._file.read(max(end - len(self.buffer), 1 << 20))
            if not more:
                raise damaged(self._name, "it shrank while it was read")
            self.buffer += more

    def number(self, form: str) -> int:
        return int(self._unpack(form))

    def scalar(self, kind: int) -> int | float | bool:
        value = self._unpack(_SCALARS[kind])
        return bool(value) if kind == 7 else value

    def _unpack(self, form: str) -> int | float:
        size = struct.calcsize(form)
        self.need(size)
        (value,) = struct.unpack_from(form, self.buffer, self.at)
        self.at += size
        return value  # type: ignore[no-any-return]

    def string(self, limit: int, what: str) -> str:
        length = self.number("<Q")
        if length > limit:
            raise damaged(self._name, f"{what} claims {length:,} bytes")
        self.need(length)
        raw = bytes(self.buffer[self.at : self.at + length])
        self.at += length
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise damaged(self._name, f"{what} is not UTF-8") from None

    def skip_strings(self, count: int) -> None:
        for _ in range(count):
            self.need(8)
            length = int.from_bytes(self.buffer[self.at : self.at + 8], "little")
            if length > MAX_STRING:
                raise damaged(self._name, f"a string claims {length:,} bytes")
            self.need(8 + length)
            self.at += 8 + length

    def array(self, kind: int, count: int) -> list[int | float | bool | str]:
        form = _SCALARS[kind][1]
        size = struct.calcsize("<" + form) * count
        self.need(size)
        values = list(struct.unpack_from(f"<{count}{form}", self.buffer, self.at))
        self.at += size
        return values


def damaged(name: str, reason: str) -> InvalidInput:
    return InvalidInput("{file} is damaged: {reason}. Download it again.", file=name, reason=reason)


def read_header(path: Path) -> Header:
    """Raises InvalidInput if the file is missing, not a GGUF, damaged or truncated; the sentence says which."""
    try:
        with path.open("rb") as file:
            file_bytes = file.seek(0, 2)
            file.seek(0)
            return _read(_Cursor(file, file_bytes, path.name), path, file_bytes)
    except FileNotFoundError:
        raise InvalidInput("There is no file {file}.", file=str(path)) from None
    except (OSError, ValueError) as error:
        raise InvalidInput("{file} cannot be read: {reason}.", file=path.name, reason=_words(error)) from None


def _words(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _read(cursor: _Cursor, path: Path, file_bytes: int) -> Header:
    if file_bytes < 24:
        raise InvalidInput("{file} is not a GGUF: it holds {size} bytes.", file=path.name, size=file_bytes)
    cursor.need(4)
    if cursor.buffer[:4] != b"GGUF":
        raise InvalidInput("{file} is not a GGUF: it does not begin with the letters GGUF.", file=path.name)
    cursor.at = 4
    version = cursor.number("<I")
    if version not in (2, 3):
        raise InvalidInput("{file} has GGUF version {version}; versions 2 and 3 are supported.", file=path.name, version=version)
    tensors, entries = cursor.number("<Q"), cursor.number("<Q")
    # The smallest entries take 13 and 24 bytes: a count that cannot fit is refused before anything is made for it.
    if tensors > MAX_ENTRIES or entries > MAX_ENTRIES or tensors * 24 + entries * 13 > file_bytes:
        raise damaged(path.name, f"it claims {tensors:,} tensors and {entries:,} metadata entries")
    metadata, lengths = _read_metadata(cursor, path.name, entries)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20 or alignment & (alignment - 1):
        raise damaged(path.name, f"its alignment is {alignment}")
    table = _read_tensors(cursor, path.name, tensors, alignment)
    data_offset = _padded(cursor.at, alignment)
    end = data_offset + max((tensor.offset + tensor.size for tensor in table), default=0)
    if end > file_bytes:
        raise InvalidInput(
            "{file} is truncated: {missing} of {expected} bytes are missing. Download it again.",
            file=path.name,
            missing=f"{end - file_bytes:,}",
            expected=f"{end:,}",
        )
    return Header(path, file_bytes, metadata, lengths, table, data_offset)


def _read_metadata(cursor: _Cursor, name: str, entries: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    for _ in range(entries):
        key = cursor.string(MAX_KEY, "a metadata key")
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
                metadata[key] = cursor.array(element, count)
        else:
            raise damaged(name, f"the key {key[:80]} has the unknown type {kind}")
    return metadata, lengths


def _read_tensors(cursor: _Cursor, name: str, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: dict[str, Tensor] = {}
    expected = 0
    for _ in range(count):
        tensor_name = cursor.string(MAX_TENSOR_NAME, "a tensor's name")
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
    tensor = Tensor(name, shape, type_name, offset, 0)
    if any(length <= 0 for length in shape) or tensor.elements >= 1 << 53 or shape[0] % block:
        raise damaged(file, f"the tensor {name} has the impossible shape {'x'.join(map(str, shape))}")
    return Tensor(name, shape, type_name, offset, tensor.elements // block * block_bytes)


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment
