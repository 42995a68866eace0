"""Define the typed JSON that /api/v1 accepts and returns. Unknown fields are refused, and types are never coerced."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.characters import may_stand_on_a_line, without_controls
from core.errors import InvalidInput
from core.inference.requests import SamplingParams
from core.knowledge.records import StoredFile
from core.knowledge.tables.records import Table
from core.people.records import User

_HALF = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d*\.?\d*(e[+-]?\d+)?", re.IGNORECASE)


def _one_line(text: str) -> str:
    """Refuse control characters: a database may reject them, and no name contains any. Core normalizes the rest."""
    if not may_stand_on_a_line(text):
        raise ValueError("Control characters are not allowed here")
    return text


def _plain(text: str) -> str:
    if _HALF.search(text):
        raise ValueError("An unpaired surrogate is not allowed here")
    return without_controls(text)


def _written(moment: object) -> object:
    """Refuse a bare number, which would be read as seconds since 1970. Nobody means that by since=5."""
    if isinstance(moment, str) and _NUMBER.fullmatch(moment.strip()):
        raise ValueError("Write a time as ISO 8601, for example 2026-10-31T09:00:00Z")
    return moment


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("This time is outside the calendar") from None


Line = Annotated[str, AfterValidator(_one_line), Field(max_length=500)]
Prose = Annotated[str, AfterValidator(_plain)]
_ID = "^[0-9a-f]{32}$"
Id = Annotated[str, Path(pattern=_ID, description="An id from the portal.")]
FileId = Annotated[str, Field(pattern=_ID)]
FolderId = Annotated[str, Field(pattern=_ID)]
MessageId = Annotated[str, Field(pattern=_ID)]
ToolName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
Moment = Annotated[datetime, BeforeValidator(_written), AfterValidator(_in_utc)]
"""ISO 8601. Without an offset it is UTC."""


def _whole_characters(sent: Any) -> Any:
    """Refuse unpaired surrogates anywhere: no database stores them, and no response could repeat them."""
    open_ = [sent]
    while open_:
        one = open_.pop()
        if isinstance(one, str) and _HALF.search(one):
            raise ValueError("An unpaired surrogate is not allowed here")
        open_ += one if isinstance(one, list) else [*one, *one.values()] if isinstance(one, dict) else ()
    return sent


class Asked(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)
    _check_characters = model_validator(mode="before")(_whole_characters)


class Person(BaseModel):
    id: str
    name: str = Field(description="The sign-in name.")
    full_name: str
    role: str = Field(description="analyst, reviewer, manager, admin, or the name of a custom role.")
    group: str
    active: bool
    language: str | None
    created_at: datetime
    last_seen_at: datetime | None

    @staticmethod
    def of(user: User) -> Person:
        return Person(
            id=user.id, name=user.name, full_name=user.full_name, role=str(user.role), group=user.group, active=user.active,
            language=user.language, created_at=user.created_at, last_seen_at=user.last_seen_at,
        )  # fmt: skip


ColumnType = Literal["text", "integer", "number", "date", "time", "boolean"]


class ColumnOut(BaseModel):
    name: str
    type: ColumnType
    missing: int = Field(description="Rows without a value.")
    distinct: int = Field(description="Different values, counted approximately.")
    smallest: str = Field(description="Empty for text.")
    largest: str
    examples: list[str]


class TableOut(BaseModel):
    name: str = Field(description="Its name in SQL.")
    sheet: str = Field(description="The sheet of a workbook; empty if the file is the table.")
    rows: int
    columns: list[ColumnOut]

    @staticmethod
    def of(table: Table) -> TableOut:
        return TableOut(
            name=table.name, sheet=table.title, rows=table.rows,
            columns=[
                ColumnOut(
                    name=each.name, type=each.kind.value, missing=each.missing, distinct=each.distinct, smallest=each.smallest,
                    largest=each.largest, examples=list(each.examples),
                )
                for each in table.columns
            ],
        )  # fmt: skip


class FileOut(BaseModel):
    id: str
    name: str
    size_bytes: int
    created_at: datetime
    conversation_id: str | None = Field(description="null until a question uses the file.")
    encoding: str | None = Field(description="The encoding the text is read in, for example UTF-8 or Big5; null for a document.")
    tables: list[TableOut] = Field(description="The tables in it that can be queried; empty for other files.")

    @staticmethod
    def of(file: StoredFile) -> FileOut:
        return FileOut(
            id=file.id, name=file.name, size_bytes=file.size_bytes, created_at=file.created_at, conversation_id=file.conversation_id,
            encoding=file.encoding or None, tables=list(map(TableOut.of, file.tables)),
        )  # fmt: skip


class Sampling(Asked):
    """How the next token is chosen. A missing field takes the model's recommended value."""

    temperature: float | None = Field(default=None, description="0 to 5; 0 always takes the most likely token.")
    top_p: float | None = Field(default=None, description="0 to 1.")
    top_k: int | None = Field(default=None, description="0 or more; 0 keeps all tokens.")
    min_p: float | None = Field(default=None, description="0 to 1.")
    repeat_penalty: float | None = Field(default=None, description="0.1 to 10; 1 disables it.")
    max_tokens: int | None = Field(default=None, description="Maximum length of the answer, in tokens.")
    stop: list[str] | None = Field(default=None, description="At most 16 strings that end the answer.")
    seed: int | None = Field(default=None, description="0 to 4294967295; the same seed repeats the same choices.")
    typical_p: float | None = Field(default=None, description="0 to 1; 1 disables it.")
    presence_penalty: float | None = Field(default=None, description="-2 to 2; penalizes tokens that have occurred in the answer.")
    frequency_penalty: float | None = Field(default=None, description=(
        "-2 to 2; penalizes tokens by how often they have occurred in the answer."
    ))
    thinking_budget: int | None = Field(default=None, description="Maximum thinking tokens; then the model answers.")

    def params(self) -> SamplingParams:
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repeat_penalty=self.repeat_penalty,
            max_tokens=self.max_tokens,
            stop=tuple(self.stop or ()),
            seed=self.seed,
            typical_p=self.typical_p,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            thinking_budget=self.thinking_budget,
        )


def at_least_one(**given: object) -> None:
    """Raise InvalidInput for a request that changes nothing."""
    if all(value is None for value in given.values()):
        raise InvalidInput("The request changes nothing. Send at least one of {names}.", names=", ".join(given))
