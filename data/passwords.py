"""Hash passwords with bcrypt."""

from __future__ import annotations

import bcrypt

MAX_BYTES = 72
"""bcrypt ignores further bytes."""


class BcryptHasher:
    """Implements the port PasswordHasher. cost: 2**cost rounds; 12 takes about 0.2 s. Tests use 4."""

    def __init__(self, cost: int = 12) -> None:
        self._cost = cost

    def hash(self, password: str) -> str:
        """Hash a password. Raises ValueError for more than 72 bytes; core refuses such passwords first."""
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, password_hash: str) -> bool:
        given = password.encode("utf-8", "surrogatepass")
        if len(given) > MAX_BYTES:
            return False
        try:
            return bcrypt.checkpw(given, password_hash.encode())
        except ValueError:  # Not a bcrypt hash.
            return False
