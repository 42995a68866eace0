"""Store sessions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import delete, insert, select

from core.people.records import Session, User
from data.repositories.people.users import USER_COLUMNS, USERS, user_of
from data.tables import SessionTable, UserTable
from data.transaction import Transaction

_T = SessionTable.__table__.c
_USER = UserTable.__table__.c
_WITH_USER = select(*USER_COLUMNS).select_from(USERS.join(SessionTable.__table__, _T.user_id == _USER.id))


AT_ONCE = 500
"""Values in one statement; SQLite accepts only some thousands."""


def batched(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


class SqlSessionRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, session: Session) -> None:
        self._sql.write(
            insert(SessionTable).values(
                token_hash=session.token_hash,
                user_id=session.user_id,
                kind=session.kind,
                created_at=session.created_at,
                expires_at=session.expires_at,
            )
        )

    def user(self, token_hash: str, now: datetime) -> User | None:
        row = self._sql.first(_WITH_USER.where(_T.token_hash == token_hash, _T.expires_at > now, _USER.active.is_(True)))
        return None if row is None else user_of(row)

    def live(self, token_hashes: Collection[str], now: datetime) -> set[str]:
        found: set[str] = set()
        for some in batched(token_hashes):
            statement = select(_T.token_hash).join(UserTable, _T.user_id == _USER.id)
            rows = self._sql.all(statement.where(_T.token_hash.in_(some), _T.expires_at > now, _USER.active.is_(True)))
            found |= {row.token_hash for row in rows}
        return found

    def remove(self, token_hash: str) -> None:
        self._sql.write(delete(SessionTable).where(_T.token_hash == token_hash))

    def remove_of_user(self, user_id: str, keep: str | None = None) -> None:
        statement = delete(SessionTable).where(_T.user_id == user_id)
        self._sql.write(statement if keep is None else statement.where(_T.token_hash != keep))

    def remove_expired(self, now: datetime) -> int:
        return self._sql.write(delete(SessionTable).where(_T.expires_at <= now)).rowcount
