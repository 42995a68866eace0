"""Write GGUF headers byte by byte, valid or invalid as a test asks; the tensor data is a hole in the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

U32, I32, F32, STRING, ARRAY = 4, 5, 6, 8, 9


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def string_entry(key: str, value: str) -> bytes:
    return entry(key, STRING, text(value))


def number_entry(key: str, value: int) -> bytes:
    return entry(key, U32, struct.pack("<I", value))


def tensor(name: str | bytes, shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, offset)


def glm_entries(architecture: str = "glm4") -> list[bytes]:
    """Return what a header must say about a model's shape."""
    shape = {"context_length": 1024, "embedding_length": 64, "block_count": 2, "attention.head_count": 4, "attention.head_count_kv": 2}
    numbers = [number_entry(f"{architecture}.{key}", value) for key, value in shape.items()]
    return [string_entry("general.architecture", architecture), *numbers]


@dataclass(slots=True)
class RawGguf:
    entries: list[bytes] = field(default_factory=glm_entries)
    tensors: list[bytes] = field(default_factory=lambda: [tensor("token_embd.weight")])
    data: int = 128
    """Bytes after the padded header."""
    magic: bytes = b"GGUF"
    version: int = 3
    counts: tuple[int, int] | None = None
    """Claimed (tensors, entries); None tells the truth."""

    def bytes(self) -> bytes:
        tensors, entries = self.counts or (len(self.tensors), len(self.entries))
        head = self.magic + struct.pack("<IQQ", self.version, tensors, entries) + b"".join(self.entries) + b"".join(self.tensors)
        return head + b"\0" * (-len(head) % 32)

    def write(self, path: Path) -> Path:
        head = self.bytes()
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + self.data)
        return path
