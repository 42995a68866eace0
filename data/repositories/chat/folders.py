"""Store folders."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select, update

from core.chat.records import Folder
from data.repositories.chat.conversations import put_into
from data.tables import ConversationTable, FolderTable, UserTable
from data.transaction import AnyRow, Transaction

_T = FolderTable.__table__.c
_USER = UserTable.__table__.c
_COLUMNS = [_T.id, _T.user_id, _T.name, _T.created_at]
_OF_USER = select(*_COLUMNS).where(_T.user_id == bindparam("user")).order_by(_T.created_at, _T.id)


def _folder_of(row: AnyRow) -> Folder:
    return Folder(**row._mapping)


class SqlFolderRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, folder: Folder) -> None:
        self._lock_names(folder.user_id)
        values = {"id": folder.id, "user_id": folder.user_id, "name": folder.name, "created_at": folder.created_at}
        self._sql.write(insert(FolderTable).values(values))

    def get(self, folder_id: str) -> Folder | None:
        row = self._sql.first(select(*_COLUMNS).where(_T.id == folder_id))
        return None if row is None else _folder_of(row)

    def of_user(self, user_id: str) -> Sequence[Folder]:
        return [_folder_of(row) for row in self._sql.all(_OF_USER, {"user": user_id})]

    def rename(self, folder_id: str, name: str) -> None:
        self._lock_names(self._sql.scalar(select(_T.user_id).where(_T.id == folder_id)))
        self._sql.write(update(FolderTable).where(_T.id == folder_id).values(name=name))

    def remove(self, folder_id: str) -> None:
        # Lock first: a conversation that is being moved here either waits and finds no folder, or has already been moved.
        self._sql.lock(select(_T.id).where(_T.id == folder_id))
        put_into(self._sql, ConversationTable.__table__.c.folder_id == folder_id, None)
        self._sql.write(delete(FolderTable).where(_T.id == folder_id))

    def _lock_names(self, user_id: str | None) -> None:
        """Lock the person's folder names. A unique index cannot enforce distinct names, because they may be encrypted."""
        self._sql.lock(select(_USER.id).where(_USER.id == user_id))
