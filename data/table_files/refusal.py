"""Say why a file or query is refused."""

from __future__ import annotations


class Refused(Exception):
    """Raised with one of the reader's reasons, and the fields of its sentence."""

    def __init__(self, reason: str, **fields: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = fields
