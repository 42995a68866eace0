"""Encrypt texts with AES-256-GCM under data keys, which the database holds wrapped by a master key.

An encrypted text is MARK, the data key's id, a colon, and base64 of nonce and ciphertext. Table and column are authenticated with it, so
that a text cannot be moved to another column. Texts without MARK are plain: encryption can be switched on at any time. File contents are
encrypted in the same way, as bytes.
"""

from __future__ import annotations

import binascii
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, insert, select, update

from core.errors import StartFailed, Unavailable
from data.encryption.sealed_text import MARK, SEALED, Sealer
from data.tables import DataKeyTable
from data.transaction import Transaction

if TYPE_CHECKING:
    from data.database import Database

_T = DataKeyTable.__table__.c
_NONCE = 12
_WRAPPED_FOR = b"glm-portal data key"


class Keyring:
    """Implements data.encryption.sealed_text.Sealer with the data keys of one database."""

    def __init__(self, database: Database, master: bytes) -> None:
        """Unwrap the data keys. Raises StartFailed if `master` is not the key that they were wrapped with."""
        self._database = database
        self._master = AESGCM(master)
        self._lock = threading.Lock()
        self._keys: Mapping[str, AESGCM] = {}
        self.current = ""
        try:
            self.reload()
            if not self.current:
                self.add_key()
        except Unavailable as problem:
            if isinstance(problem.__cause__, InvalidTag):
                raise StartFailed("This is not the master key that the database was encrypted with. Set the right one.") from problem
            raise

    def seal(self, text: str, where: str) -> str:
        id, sealed = self._seal(text.encode("utf-8"), where)
        return f"{MARK}{id}:{b64encode(sealed).decode()}"

    def open(self, sealed: str, where: str) -> str:
        id, _, content = sealed.removeprefix(MARK).partition(":")
        try:
            return self._open(id, b64decode(content, validate=True), where).decode("utf-8")
        except (KeyError, ValueError, binascii.Error, InvalidTag) as problem:
            raise Unavailable("A text in the database cannot be decrypted: it was altered, or its key is missing.") from problem

    def seal_bytes(self, content: bytes, where: str) -> bytes:
        """Return the data key's id, a colon, nonce and ciphertext."""
        id, sealed = self._seal(content, where)
        return id.encode() + b":" + sealed

    def open_bytes(self, sealed: bytes, where: str) -> bytes:
        id, _, content = sealed.partition(b":")
        try:
            return self._open(id.decode("ascii"), content, where)
        except (KeyError, ValueError, InvalidTag) as problem:
            raise Unavailable("A file in the database cannot be decrypted: it was altered, or its key is missing.") from problem

    def is_current(self, stored: str | bytes) -> bool:
        """Tell whether a stored value is encrypted with the newest key."""
        if isinstance(stored, bytes):
            return stored.startswith(SEALED + self.current.encode() + b":")
        return stored.startswith(f"{MARK}{self.current}:")

    def _seal(self, content: bytes, where: str) -> tuple[str, bytes]:
        nonce, id = os.urandom(_NONCE), self.current
        return id, nonce + self._keys[id].encrypt(nonce, content, where.encode())

    def _open(self, id: str, sealed: bytes, where: str) -> bytes:
        if id not in self._keys:
            self.reload()  # Another process may have created a new key.
        return self._keys[id].decrypt(sealed[:_NONCE], sealed[_NONCE:], where.encode())

    def reload(self) -> None:
        with self._lock, self._database.connect() as connection:
            rows = connection.execute(select(_T.id, _T.wrapped).order_by(_T.created_at, _T.id)).all()
            self._keys = {row.id: AESGCM(_unwrap(self._master, row.wrapped)) for row in rows}
            self.current = rows[-1].id if rows else ""

    def take_newest(self) -> bool:
        """Encrypt with the newest key from now on; tell whether it differs from the key before."""
        with self._database.connect() as connection:
            newest = connection.scalar(select(_T.id).order_by(_T.created_at.desc(), _T.id.desc()).limit(1))
        if newest is None or newest == self.current:
            return False
        self.reload()
        return True

    def add_key(self) -> None:
        """Create a data key; from now on it encrypts new values."""
        wrapped = _wrap(self._master, AESGCM.generate_key(256))
        with self._database.connect() as connection:
            sql = Transaction(connection)
            sql.write(insert(DataKeyTable).values(id=uuid4().hex[:8], wrapped=wrapped, created_at=datetime.now(UTC)))
            sql.commit()
        self.reload()

    def rewrap(self, master: bytes) -> int:
        """Wrap all data keys with another master key, which the next start needs; return how many. No text changes."""
        new = AESGCM(master)
        with self._database.connect() as connection:
            sql = Transaction(connection)
            rows = sql.lock(select(_T.id, _T.wrapped))
            for row in rows:
                sql.write(update(DataKeyTable).where(_T.id == row.id).values(wrapped=_wrap(new, _unwrap(self._master, row.wrapped))))
            sql.commit()
        self._master = new
        return len(rows)


def use_keyring(database: Database, master: bytes | None) -> Keyring | None:
    """Encrypt what this database stores from now on. Raises StartFailed if it is encrypted and the key is missing or wrong."""
    if master is None:
        with database.connect() as connection:
            if connection.scalar(select(_T.id).limit(1)):
                raise StartFailed("This database is encrypted. Set PORTAL_MASTER_KEY, PORTAL_MASTER_KEY_FILE or PORTAL_MASTER_KEY_COMMAND.")
        return None
    keyring = Keyring(database, master)
    attach(database.engine.dialect, keyring)
    attach(database.inner_engine.dialect, keyring)
    return keyring


def attach(dialect: Dialect, sealer: Sealer) -> None:
    """Pass the keyring to the column types. A type sees only the dialect of its database, and each engine has its own."""
    dialect.portal_sealer = sealer  # type: ignore[attr-defined]


def _wrap(master: AESGCM, key: bytes) -> str:
    nonce = os.urandom(_NONCE)
    return b64encode(nonce + master.encrypt(nonce, key, _WRAPPED_FOR)).decode()


def _unwrap(master: AESGCM, wrapped: str) -> bytes:
    raw = b64decode(wrapped)
    try:
        return master.decrypt(raw[:_NONCE], raw[_NONCE:], _WRAPPED_FOR)
    except InvalidTag as problem:
        raise Unavailable("The data keys were wrapped with another master key. Restart the portal with that key.") from problem
