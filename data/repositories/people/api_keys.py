"""Store API keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from core.people.records import ApiKey, KeyInUse, OwnedKey, Scope, User
from data.repositories.people.sessions import batched
from data.repositories.people.users import ROLE_COLUMNS, USER_COLUMNS, USERS, role_of, user_of
from data.tables import ApiKeyTable, UserTable
from data.transaction import AnyRow, Transaction

_T = ApiKeyTable.__table__.c
_USER = UserTable.__table__.c
_COLUMNS = [column.label("key_" + column.name) for column in _T]
_OWNED = select(*_COLUMNS, _USER.name.label("owner_name")).join(UserTable, _USER.id == _T.user_id)


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(_T.revoked_at.is_(None), or_(_T.expires_at.is_(None), _T.expires_at > now), _USER.active.is_(True))


class SqlApiKeyRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, key: ApiKey) -> None:
        values = {column.name: getattr(key, column.name) for column in _T}
        self._sql.write(insert(ApiKeyTable).values(values | {"scopes": " ".join(sorted(key.scopes))}))

    def get(self, key_id: str) -> OwnedKey | None:
        row = self._sql.first(_OWNED.where(_T.id == key_id))
        return None if row is None else _owned(row)

    def user(self, token_hash: str, now: datetime) -> tuple[User, ApiKey] | None:
        statement = select(*USER_COLUMNS, *_COLUMNS).select_from(USERS.join(ApiKeyTable.__table__, _T.user_id == _USER.id))
        row = self._sql.first(statement.where(_T.token_hash == token_hash, _live(now)))
        if row is None:
            return None
        key = _key(row)
        in_use = KeyInUse(
            id=key.id, scopes=key.scopes, requests_per_minute=key.requests_per_minute, tokens_per_minute=key.tokens_per_minute
        )
        return replace(user_of(row), key=in_use), key

    def live(self, token_hashes: Collection[str], now: datetime) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for some in batched(token_hashes):
            statement = select(_T.token_hash, *ROLE_COLUMNS).join(UserTable, _T.user_id == _USER.id)
            found |= {row.token_hash: role_of(row) for row in self._sql.all(statement.where(_T.token_hash.in_(some), _live(now)))}
        return found

    def of_user(self, user_id: str) -> Sequence[ApiKey]:
        newest_first = select(*_COLUMNS).where(_T.user_id == user_id).order_by(_T.created_at.desc(), _T.id)
        return [_key(row) for row in self._sql.all(newest_first)]

    def find(self, words: str, limit: int) -> Sequence[OwnedKey]:
        statement = _OWNED.order_by(_T.created_at.desc(), _T.id).limit(limit)
        if words:
            inside = (func.lower(column).contains(words.lower(), autoescape=True) for column in (_T.name, _USER.name))
            statement = statement.where(or_(_T.prefix.startswith(words, autoescape=True), *inside))
        return [_owned(row) for row in self._sql.all(statement)]

    def rename(self, key_id: str, name: str) -> None:
        self._sql.write(update(ApiKeyTable).where(_T.id == key_id).values(name=name))

    def revoke(self, key_id: str, at: datetime) -> None:
        self._sql.write(update(ApiKeyTable).where(_T.id == key_id, _T.revoked_at.is_(None)).values(revoked_at=at))

    def set_used(self, key_id: str, at: datetime) -> None:
        self._sql.write(update(ApiKeyTable).where(_T.id == key_id).values(last_used_at=at))


def _owned(row: AnyRow) -> OwnedKey:
    return OwnedKey(_key(row), row.owner_name)


def _key(row: AnyRow) -> ApiKey:
    values = {column.name: getattr(row, "key_" + column.name) for column in _T}
    return ApiKey(**values | {"scopes": frozenset(map(Scope, row.key_scopes.split()))})
