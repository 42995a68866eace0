"""Store files: their metadata, their content in chunks, and the messages that show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, update

from core.errors import Conflict
from core.knowledge.records import StoredFile
from core.knowledge.tables import stored
from core.knowledge.tables.records import Table
from data.tables import AttachmentTable, FilePartTable, FileTable, LegalHoldTable, UserTable, WorkflowFileTable
from data.transaction import AnyRow, AnySelect, Transaction, Values

PART_BYTES = 64 * 1024
PARTS_AT_ONCE = 16
"""Chunks encrypted and written together: they determine the extra memory for a large file."""

_T = FileTable.__table__.c
_PART = FilePartTable.__table__.c
_SHOWN = AttachmentTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_USER = UserTable.__table__.c
FILE_COLUMNS = (_T.id, _T.user_id, _T.name, _T.size_bytes, _T.created_at, _T.conversation_id, _T.encoding, _T.tables)
_FILE = select(*FILE_COLUMNS)
FILES_SHOWN = _FILE.add_columns(_SHOWN.message_id).join(AttachmentTable, _SHOWN.file_id == _T.id).order_by(_SHOWN.place)
"""The files of messages, in order of position; add a condition on FileTable or AttachmentTable."""
_ANY_IN = select(_T.id).where(_T.conversation_id == bindparam("conversation")).limit(1)
_OF_TASK = WorkflowFileTable.__table__.c
IN_A_TASK = exists(select(_OF_TASK.file_id).where(_OF_TASK.file_id == _T.id))
_WAITS = and_(_T.conversation_id.is_(None), ~IN_A_TASK)


def file_of(row: AnyRow) -> StoredFile:
    """Return a file from a row of FILE_COLUMNS."""
    return StoredFile(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        conversation_id=row.conversation_id,
        encoding=row.encoding or "",
        tables=stored.read(row.tables),
    )


def files_shown(sql: Transaction, statement: AnySelect, values: Values) -> dict[str, tuple[StoredFile, ...]]:
    """Return the files of messages, by message id, in order of position. statement: FILES_SHOWN with a condition."""
    found: dict[str, tuple[StoredFile, ...]] = {}
    for row in sql.all(statement, values):
        found[row.message_id] = (*found.get(row.message_id, ()), file_of(row))
    return found


class SqlFileRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, file: StoredFile, content: bytes, text: str | None = None) -> None:
        values = {
            "id": file.id,
            "user_id": file.user_id,
            "conversation_id": file.conversation_id,
            "name": file.name,
            "size_bytes": file.size_bytes,
            "created_at": file.created_at,
            "encoding": file.encoding or None,
            "tables": stored.written(file.tables) or None,
        }
        self._sql.lock(select(_USER.id).where(_USER.id == file.user_id), referable=True)
        self._sql.write(insert(FileTable).values(values))
        self._add_parts(file.id, content, extracted=False)
        if text is not None:
            self._add_parts(file.id, text.encode("utf-8"), extracted=True)

    def get(self, file_id: str) -> StoredFile | None:
        row = self._sql.first(_FILE.where(_T.id == file_id))
        return None if row is None else file_of(row)

    def any_in(self, conversation_id: str) -> bool:
        return self._sql.first(_ANY_IN, {"conversation": conversation_id}) is not None

    def content(self, file_id: str) -> bytes:
        return b"".join(self._parts(file_id, extracted=False))

    def text(self, file_id: str) -> str | None:
        parts = self._parts(file_id, extracted=True)
        return b"".join(parts).decode("utf-8") if parts else None

    def attach(self, message_id: str, conversation_id: str, file_ids: Sequence[str]) -> None:
        """Attach files to a message. Raises Conflict if one has meanwhile been deleted or attached to another conversation."""
        ids = list(dict.fromkeys(file_ids))
        if not ids:
            return
        # The condition is evaluated under the row's lock: if two conversations want a file, only one gets it.
        free = or_(_WAITS, _T.conversation_id == conversation_id)
        attached = self._sql.write(update(FileTable).where(_T.id.in_(ids), free).values(conversation_id=conversation_id))
        if attached.rowcount < len(ids):
            raise Conflict("A file was removed or belongs to another chat. Attach it again.")
        self._sql.write(
            insert(AttachmentTable), [{"message_id": message_id, "file_id": id, "place": position} for position, id in enumerate(ids)]
        )
        self._sql.announce("message", [message_id])
        self._sql.announce("conversation", [conversation_id])

    def set_encoding(self, file_id: str, encoding: str, tables: Sequence[Table]) -> None:
        self._sql.write(update(FileTable).where(_T.id == file_id).values(encoding=encoding, tables=stored.written(tables) or None))

    def waiting(self, user_id: str) -> Sequence[StoredFile]:
        return [file_of(row) for row in self._sql.all(_FILE.where(_T.user_id == user_id, _WAITS).order_by(_T.created_at, _T.id))]

    def remove_waiting(self, file_id: str) -> bool:
        return self._sql.write(delete(FileTable).where(_T.id == file_id, _WAITS)).rowcount > 0

    def remove(self, ids: Sequence[str]) -> None:
        """Delete files permanently, even if questions show them; search no longer finds those by their files."""
        # Lock first: a message that attaches a file at this moment either waits and fails, or is already stored and is announced.
        self._sql.lock(select(_T.id).where(_T.id.in_(ids)).order_by(_T.id))
        shown = self._sql.write(delete(AttachmentTable).where(_SHOWN.file_id.in_(ids)).returning(_SHOWN.message_id)).all()
        gone = self._sql.write(delete(FileTable).where(_T.id.in_(ids)).returning(_T.conversation_id)).all()
        self._sql.announce("message", dict.fromkeys(row.message_id for row in shown))
        self._sql.announce("conversation", dict.fromkeys(row.conversation_id for row in gone if row.conversation_id is not None))

    def waiting_since(self, before: datetime, limit: int) -> Sequence[str]:
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _T.user_id))
        statement = select(_T.id).where(_WAITS, _T.created_at < before, ~held).order_by(_T.created_at, _T.id)
        return [row.id for row in self._sql.all(statement.limit(limit))]

    def _add_parts(self, file_id: str, content: bytes, *, extracted: bool) -> None:
        at_once = PART_BYTES * PARTS_AT_ONCE
        for start in range(0, len(content), at_once):
            pieces = (content[at : at + PART_BYTES] for at in range(start, min(start + at_once, len(content)), PART_BYTES))
            self._sql.write(insert(FilePartTable), [{"file_id": file_id, "extracted": extracted, "content": piece} for piece in pieces])

    def _parts(self, file_id: str, *, extracted: bool) -> list[bytes]:
        statement = select(_PART.content).where(_PART.file_id == file_id, _PART.extracted == extracted).order_by(_PART.number)
        return [row.content for row in self._sql.all(statement)]
