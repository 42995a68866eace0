"""Define column types that SQLite and PostgreSQL must agree on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from core.errors import StoredError
from core.inference.records import Routing

E = TypeVar("E", bound=StrEnum)
_ERROR_START = '{"template": '
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware UTC time. SQLite stores no zone, so it is removed on the way in and added on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DayText(TypeDecorator[date]):
    """A day, stored as YYYY-MM-DD on every database, which sorts and compares as days do."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        return None if value is None else date.fromisoformat(value)


class Choice(TypeDecorator[E], Generic[E]):
    """A StrEnum, stored as its value."""

    impl = String(16)
    cache_ok = True

    def __init__(self, choices: type[E]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else self.choices(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.choices(value)


class Prose(TypeDecorator[str]):
    """Text that a person or a model wrote. What PostgreSQL cannot store (NUL, lone surrogates) becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value


def error_json(error: StoredError) -> str:
    """Return an error as JSON."""
    return json.dumps({"template": error.template, "params": dict(error.params), "code": error.code}, ensure_ascii=False)


def error_of(text: str) -> StoredError:
    """Read an error. Older versions stored a finished English sentence, which stays unchanged."""
    return StoredError(**json.loads(text)) if text.startswith(_ERROR_START) else StoredError.of_text(text)


class ErrorText(TypeDecorator[StoredError]):
    """An error as JSON. Older versions stored a finished English sentence, which stays unchanged."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: StoredError | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(error_json(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StoredError | None:
        return None if value is None else error_of(value)


class RoutingText(TypeDecorator[Routing]):
    """The reason for the routing of an answer, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Routing | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        fields = asdict(value)
        return storable(json.dumps({"place": fields.pop("target"), **fields}, ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Routing | None:
        if value is None:
            return None
        try:
            fields = json.loads(value)
            left_out = tuple(StoredError(**each) for each in fields.pop("left_out"))
            return Routing(target=fields.pop("place"), **fields | {"left_out": left_out, "dropped": tuple(fields["dropped"])})
        except (ValueError, TypeError, KeyError):
            return None  # Written by a newer release.


def storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)
