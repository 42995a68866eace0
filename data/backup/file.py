"""Read and write the backup file: JSON records packed in frames, each compressed and, with a passphrase, encrypted.

    GLM-PORTAL-BACKUP 1

    {"sealed": true, "salt": "..."}

    frame, frame, ..., last frame

A frame is four bytes with its length, one byte that is 1 on the last, and its content. Encryption is AES-256-GCM; the nonce counts the
frames, and the header is authenticated with each, so that no frame can be left out, repeated, moved or taken from another file.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import InvalidInput

MAGIC = b"GLM-PORTAL-BACKUP 1\n"
FRAME_BYTES = 1_000_000
LARGEST_FRAME = 64_000_000
"""Largest frame in bytes. A record is a row; the longest texts have a few MB."""
LARGEST_UNPACKED = 1_000_000_000
"""Most bytes that a frame may have when it is unpacked."""
LARGEST_HEADER = 1000
_PREFIX = struct.Struct(">IB")
# OWASP's scrypt parameters: 128 MiB and about half a second per guess.
_SCRYPT = {"length": 32, "n": 2**17, "r": 8, "p": 1}


def write_records(file: BinaryIO, records: Iterable[Any], passphrase: str | None) -> None:
    """Write records into frames. passphrase None: compressed but not encrypted."""
    salt = os.urandom(16) if passphrase else b""
    header = json.dumps({"sealed": bool(passphrase), "salt": b64encode(salt).decode()}).encode() + b"\n"
    frames = _Frames(header, _cipher(passphrase, salt))
    file.write(MAGIC + header)
    lines: list[bytes] = []
    size = 0
    for record in records:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        lines.append(line)
        size += len(line)
        if size >= FRAME_BYTES:
            file.write(frames.pack(lines, last=False))
            lines, size = [], 0
    file.write(frames.pack(lines, last=True))


def is_sealed(file: BinaryIO) -> bool:
    """Tell whether reading needs a passphrase. Raises InvalidInput for other files; leaves the file at its start."""
    header = _read_header(file)
    file.seek(0)
    return bool(json.loads(header)["sealed"])


def read_records(file: BinaryIO, passphrase: str | None) -> Iterator[Any]:
    """Yield the records. Raises InvalidInput for other files, truncated or altered ones, and a wrong passphrase."""
    header = _read_header(file)
    header_fields = json.loads(header)
    if header_fields["sealed"] and not passphrase:
        raise InvalidInput("This backup is encrypted. Set PORTAL_BACKUP_KEY to its passphrase.")
    frames = _Frames(header, _cipher(passphrase, b64decode(header_fields["salt"])) if header_fields["sealed"] else None)
    last = False
    while not last:
        prefix = file.read(_PREFIX.size)
        if len(prefix) < _PREFIX.size:
            raise InvalidInput("This backup is truncated: its end is missing.")
        length, last = _PREFIX.unpack(prefix)
        content = file.read(length) if length <= LARGEST_FRAME else b""
        if len(content) != length:
            raise InvalidInput("This backup is truncated: its end is missing.")
        for line in frames.unpack(content, last=bool(last)):
            yield json.loads(line)
    if file.read(1):
        raise InvalidInput("This backup is damaged: there is data after its end.")


def _read_header(file: BinaryIO) -> bytes:
    if file.read(len(MAGIC)) != MAGIC:
        raise InvalidInput("This is not a GLM Portal backup, or a newer version made it.")
    header = file.readline(LARGEST_HEADER)
    try:
        header_fields = json.loads(header)
        b64decode(header_fields["salt"], validate=True)
        header_fields["sealed"]
    except (ValueError, KeyError, TypeError) as problem:
        raise InvalidInput("This backup is damaged: it cannot be read.") from problem
    return header


class _Frames:
    """Packs and unpacks frames in order."""

    def __init__(self, header: bytes, cipher: AESGCM | None) -> None:
        self._header = header
        self._cipher = cipher
        self._number = 0

    def pack(self, lines: list[bytes], last: bool) -> bytes:
        content = zlib.compress(b"\n".join(lines), 3)
        if self._cipher is not None:
            content = self._cipher.encrypt(self._nonce(), content, self._bound(last))
        return _PREFIX.pack(len(content), last) + content

    def unpack(self, content: bytes, last: bool) -> list[bytes]:
        try:
            if self._cipher is not None:
                content = self._cipher.decrypt(self._nonce(), content, self._bound(last))
            unpacking = zlib.decompressobj()
            lines = unpacking.decompress(content, LARGEST_UNPACKED)
            if not unpacking.eof:
                raise zlib.error("cut off, or larger than any frame")
        except InvalidTag as problem:
            raise InvalidInput("The passphrase is wrong, or the backup was altered.") from problem
        except zlib.error as problem:
            raise InvalidInput("This backup is damaged: it cannot be read.") from problem
        return lines.split(b"\n") if lines else []

    def _nonce(self) -> bytes:
        self._number += 1
        return self._number.to_bytes(12, "big")

    def _bound(self, last: bool) -> bytes:
        return self._header + bytes([last])


def _cipher(passphrase: str | None, salt: bytes) -> AESGCM | None:
    if not passphrase:
        return None
    return AESGCM(Scrypt(salt=salt, **_SCRYPT).derive(passphrase.encode()))
