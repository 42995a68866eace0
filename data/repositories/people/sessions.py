"""Store sessions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from core.people.records import Session, User
from data.repositories.people.users import ROLE_COLUMNS, USER_COLUMNS, USERS, role_of, user_of
from data.tables import SessionTable, UserTable
from data.transaction import AnyRow, Transaction

_T = SessionTable.__table__.c
_USER = UserTable.__table__.c
_COLUMNS = [column.label("session_" + column.name) for column in _T]
_WITH_USER = select(*USER_COLUMNS, *_COLUMNS).select_from(USERS.join(SessionTable.__table__, _T.user_id == _USER.id))
_FIND = _WITH_USER.where(_T.token_hash == bindparam("token"), _T.expires_at > bindparam("now"), _USER.active.is_(True))
_FIND_USED = _FIND.where(func.coalesce(_T.used_at, _T.created_at) > bindparam("used_after", type_=_T.used_at.type))

AT_ONCE = 500
"""Most values in one statement; SQLite accepts only some thousands."""


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
                used_at=session.used_at,
                address=session.address,
                agent=session.agent,
                outside_session=session.outside_session or None,
            )
        )

    def user(self, token_hash: str, now: datetime) -> User | None:
        found = self.find(token_hash, now)
        return found[0] if found else None

    def find(self, token_hash: str, now: datetime, used_after: datetime | None = None) -> tuple[User, Session] | None:
        values = {"token": token_hash, "now": now}
        row = self._sql.first(_FIND, values) if used_after is None else self._sql.first(_FIND_USED, {**values, "used_after": used_after})
        return None if row is None else (user_of(row), _session(row))

    def of_user(self, user_id: str, now: datetime) -> Sequence[Session]:
        last = func.coalesce(_T.used_at, _T.created_at)
        rows = self._sql.all(select(*_COLUMNS).where(_T.user_id == user_id, _T.expires_at > now).order_by(last.desc(), _T.token_hash))
        return [_session(row) for row in rows]

    def set_used(self, token_hash: str, at: datetime) -> None:
        self._sql.write(update(SessionTable).where(_T.token_hash == token_hash).values(used_at=at))

    def live(self, token_hashes: Collection[str], now: datetime) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for some in batched(token_hashes):
            statement = select(_T.token_hash, *ROLE_COLUMNS).join(UserTable, _T.user_id == _USER.id)
            rows = self._sql.all(statement.where(_T.token_hash.in_(some), _T.expires_at > now, _USER.active.is_(True)))
            found |= {row.token_hash: role_of(row) for row in rows}
        return found

    def remove(self, token_hash: str) -> None:
        self._sql.write(delete(SessionTable).where(_T.token_hash == token_hash))

    def remove_of_user(self, user_id: str, keep: str | None = None) -> None:
        statement = delete(SessionTable).where(_T.user_id == user_id)
        self._sql.write(statement if keep is None else statement.where(_T.token_hash != keep))

    def remove_outside(self, outside_session: str) -> None:
        self._sql.write(delete(SessionTable).where(_T.outside_session == outside_session))

    def remove_expired(self, now: datetime) -> int:
        return self._sql.write(delete(SessionTable).where(_T.expires_at <= now)).rowcount


def _session(row: AnyRow) -> Session:
    return Session(
        token_hash=row.session_token_hash,
        user_id=row.session_user_id,
        kind=row.session_kind,
        created_at=row.session_created_at,
        expires_at=row.session_expires_at,
        used_at=row.session_used_at,
        address=row.session_address or "",
        agent=row.session_agent or "",
        outside_session=row.session_outside_session or "",
    )
