"""Define stored files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.knowledge.tables.records import Table

IMAGE_ENDINGS = (".png", ".jpg")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Metadata of a file, without its content."""

    id: str
    user_id: str
    name: str
    size_bytes: int
    created_at: datetime
    conversation_id: str | None = None
    """None until a question takes the file."""
    encoding: str = ""
    """The encoding of a text file, a key of core.knowledge.encodings.ENCODINGS; empty for a document, or if unknown."""
    tables: tuple[Table, ...] = ()
    """The tables in it that can be queried: one of a text, those of a workbook's sheets."""

    @property
    def is_image(self) -> bool:
        """Tell by its name whether the file is an image, which is always stored re-encoded."""
        return not self.encoding and self.name.lower().endswith(IMAGE_ENDINGS)
