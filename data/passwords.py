"""Hash passwords with argon2id; also check bcrypt hashes, which earlier versions and streamlit-authenticator made."""

from __future__ import annotations

import bcrypt
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

BCRYPT_BYTES = 72
"""bcrypt ignores further bytes."""
_BCRYPT = ("$2a$", "$2b$", "$2y$")


class Argon2Hasher:
    """Implements the port PasswordHasher. The defaults are RFC 9106's for little memory, on one thread, so that answers are not slowed
    down.

    Tests use 1 round of 8 KiB.
    """

    def __init__(self, rounds: int = 3, memory_kib: int = 65_536, bcrypt_cost: int = 12) -> None:
        """bcrypt_cost: of the dummy hash that stands for all remaining bcrypt hashes."""
        self._argon2 = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._bcrypt_cost = bcrypt_cost
        self._bcrypt_hash = ""

    def hash(self, password: str) -> str:
        return self._argon2.hash(_bytes(password))

    def matches(self, password: str, password_hash: str) -> bool:
        if password_hash.startswith(_BCRYPT):
            given = _bytes(password)
            try:
                return bcrypt.checkpw(given[:BCRYPT_BYTES], password_hash.encode()) and len(given) <= BCRYPT_BYTES
            except ValueError:  # Not a bcrypt hash after all, or a NUL in the password.
                return False
        try:
            return self._argon2.verify(password_hash, _bytes(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def spend(self, password: str) -> None:
        if not self._bcrypt_hash:
            self._bcrypt_hash = bcrypt.hashpw(b"nobody's", bcrypt.gensalt(self._bcrypt_cost)).decode()
        self.matches(password, self._bcrypt_hash)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
