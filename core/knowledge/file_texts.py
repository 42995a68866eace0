"""Read the text of a file of any kind that models can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import InvalidInput, Unavailable
from core.knowledge.attachment import UNREADABLE, is_document, read_text
from core.knowledge.ports import DocumentReader, EncodingDetector, OnQueuePosition, OtherReaders
from core.knowledge.tables.ports import TableFile, TableReader
from core.knowledge.tables.records import TABLE_ENDINGS, Table
from core.knowledge.unreadable import PICTURE_OR_SOUND, refuse_known
from core.people.records import User

_WITH_OTHERS = {
    UNREADABLE: "{name} cannot be read. Attach PDF or Word documents, text, CSV, code or {endings} files.",
    PICTURE_OR_SOUND: (
        "{name} is an image, audio or video file that cannot be read. Attach PNG, JPEG, WebP, GIF or HEIC images, documents, text or "
        "{endings} files."
    ),
}
"""Sentences that list what can be attached, with the formats of plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """What was read from a file."""

    text: str
    encoding: str = ""
    """The encoding of a text file, a key of core.knowledge.encodings.ENCODINGS; empty for others, whose text was extracted."""
    tables: tuple[Table, ...] = ()


class FileTexts:
    """Reads text files, documents, tables, and what plugins read."""

    def __init__(
        self,
        reader: DocumentReader,
        detector: EncodingDetector | None = None,
        others: OtherReaders | None = None,
        tables: TableReader | None = None,
    ) -> None:
        """others: readers added by plugins, which are tried before the portal's own. tables: reads tables; without it, CSV is text, and
        workbooks are refused.
        """
        self._reader = reader
        self._detector = detector
        self._others = others
        self._tables = tables

    def read(self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None) -> FileText:
        """Return the text of a file with its tables. Raises InvalidInput for files that no model can read, Busy and Unavailable."""
        extracted = self._others.read(user, name, content, on_queue_position) if self._others is not None else None
        if extracted is not None:
            return FileText(text=extracted)
        with self._naming_other_formats(user):
            if self._tables is not None and self._tables.needs_reading(name, content):
                read = self._tables.read(TableFile(name=name, content=content), user.id, on_queue_position)
                return FileText(text=read.text, tables=read.tables)
            refuse_known(name, content)
            if is_document(name, content):
                return FileText(text=self._reader.text(name, content, user.id, on_queue_position))
            found = read_text(name, content, self._detector)
        tables = self.text_tables(user, name, content, found.encoding, on_queue_position)
        return FileText(text=found.text, encoding=found.encoding, tables=tables)

    def text_tables(
        self, user: User, name: str, content: bytes, encoding: str, on_queue_position: OnQueuePosition | None = None
    ) -> tuple[Table, ...]:
        """Return the table of a text; none if it has none, since it is then read as any text."""
        if self._tables is None or not name.lower().endswith(TABLE_ENDINGS):
            return ()
        try:
            return self._tables.read(TableFile(name=name, content=content, encoding=encoding), user.id, on_queue_position).tables
        except (InvalidInput, Unavailable):
            return ()

    @contextmanager
    def _naming_other_formats(self, user: User) -> Iterator[None]:
        """Name the formats that plugins read in sentences that list what can be attached."""
        try:
            yield
        except InvalidInput as problem:
            longer = _WITH_OTHERS.get(problem.template)
            if longer is None or self._others is None or not (endings := self._others.endings(user)):
                raise
            raise InvalidInput(longer, **{**problem.params, "endings": ", ".join(endings)}) from problem
