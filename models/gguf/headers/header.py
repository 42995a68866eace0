"""Read GGUF headers strictly in Python before llama.cpp sees the file: native parsers have overflowed on crafted ones.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import InvalidInput
from models.gguf.file_names import shown
from models.gguf.headers.cursor import MAX_STRING, SCALARS, Cursor, damaged

Value = int | float | bool | str | list[int | float | bool | str]

MAX_ENTRIES = 100_000
"""Most metadata keys, and most tensors: the largest GLM has fewer than 2,000 of either."""
MAX_TENSOR_NAME = 63
MAX_KEY = 65_535
MAX_ARRAY = 4_000_000

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


def read_header(path: Path) -> Header:
    """Read a header. Raises InvalidInput if the file is missing, not a GGUF, damaged or truncated; the sentence says which."""
    try:
        with _open(path) as file:
            file_bytes = file.seek(0, 2)
            file.seek(0)
            return _read(Cursor(file, file_bytes, shown(path.name)), path, file_bytes)
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


def _read(cursor: Cursor, path: Path, file_bytes: int) -> Header:
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


def _read_metadata(cursor: Cursor, name: str, entries: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    for _ in range(entries):
        key = cursor.label(MAX_KEY, "a metadata key")
        if key in metadata or key in lengths:
            raise damaged(name, f"the key {key[:80]} appears twice")
        kind = cursor.number("<I")
        if kind == _STRING:
            metadata[key] = cursor.string(MAX_STRING, f"the text of {key[:80]}")
        elif kind in SCALARS:
            metadata[key] = cursor.scalar(kind)
        elif kind == _ARRAY:
            element, count = cursor.number("<I"), cursor.number("<Q")
            if count > MAX_ARRAY or (element != _STRING and element not in SCALARS):
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


def _read_tensors(cursor: Cursor, name: str, count: int, alignment: int) -> tuple[Tensor, ...]:
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
