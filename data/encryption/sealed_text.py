"""Define the column types that encrypt texts and file contents if encryption is on."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from core.errors import Unavailable
from data.columns import storable

MARK = "\ufdd2"
"""Precedes each encrypted text: a noncharacter, which no plain text begins with."""


class Sealer(Protocol):
    def seal(self, text: str, where: str) -> str: ...
    def open(self, sealed: str, where: str) -> str:
        """Decrypt a text. Raises Unavailable."""
        ...

    def seal_bytes(self, content: bytes, where: str) -> bytes: ...
    def open_bytes(self, sealed: bytes, where: str) -> bytes:
        """Decrypt bytes. Raises Unavailable."""
        ...


class SealedProse(TypeDecorator[str]):
    """Encrypted Prose. where: table and column, to which an encrypted text is bound."""

    impl = Text
    cache_ok = True

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = storable(value)
        sealer: Sealer | None = getattr(dialect, "portal_sealer", None)
        if sealer is not None:
            return sealer.seal(text, self.where)
        return "\ufffd" + text[1:] if text.startswith(MARK) else text

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or not value.startswith(MARK):
            return value
        sealer: Sealer | None = getattr(dialect, "portal_sealer", None)
        if sealer is None:
            raise Unavailable("A text in the database is encrypted, and this portal has no key. Ask an admin.")
        return sealer.open(value, self.where)


PLAIN, SEALED = b"\x00", b"\x01"
"""The first byte of stored content: plain or encrypted."""


class SealedBytes(TypeDecorator[bytes]):
    """A chunk of a file. where: table and column, to which an encrypted chunk is bound."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        sealer: Sealer | None = getattr(dialect, "portal_sealer", None)
        return PLAIN + value if sealer is None else SEALED + sealer.seal_bytes(value, self.where)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is None or value.startswith(PLAIN):
            return value and value[1:]
        sealer: Sealer | None = getattr(dialect, "portal_sealer", None)
        if sealer is None:
            raise Unavailable("A file in the database is encrypted, and this portal has no key. Ask an admin.")
        return sealer.open_bytes(value[1:], self.where)
