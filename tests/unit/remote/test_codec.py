"""Values survive encoding and decoding, and unsuitable ones are refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from core.errors import Busy, InvalidInput, NotFound, PortalError, PromptTooLong, StoredError
from core.inference.requests import Delta, Queued
from core.people.permissions import Role
from core.people.records import User
from remote.codec import Unfit, codec
from remote.errors import read_error, write_error
from remote.frames import Message, parts, read

NOW = datetime(2026, 11, 29, 8, 30, 1, 250, tzinfo=UTC)
ANN = User(id="1", name="ann", full_name="Änn 安", role=Role.ANALYST, group="", active=True, created_at=NOW)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Leaf:
    of: str
    age: int = 3


@dataclass(frozen=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    inner: Tree | None = None


def there_and_back(value: Any, hint: Any) -> Any:
    blobs: list[bytes] = []
    data = codec(hint).write(value, blobs)
    message, back, _reads = read(b"".join(parts(Message(data, blobs))))
    return codec(hint).read(message, back)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (ANN, User),
        (None, User | None),
        ((ANN, b"\x00\xff\n"), tuple[User, bytes]),
        ([b"one", b"", b"two"], Sequence[bytes]),
        (Tree("a", (Leaf("b"),), Tree("c")), Tree),
        (NOW, datetime),
        (date(2026, 2, 28), date),
        (timedelta(days=1, microseconds=5), timedelta),
        (Path("/models/a b.gguf"), Path),
        ({Colour.RED: 2, "x": 1}, dict[Colour | str, int]),
        ({1: "a"}, Mapping[int, str]),
        (frozenset({"a", "b"}), frozenset[str]),
        ("\ud800 unpaired", str),
        (float("inf"), float),
        (2, float),
        ("fast", Literal["fast", "slow"]),
        (Delta("a", "b", 2), Queued | Delta),
        (StoredError("No {name}.", {"name": "x", "n": 2}), StoredError | None),
    ],
    ids=str,
)
def test_a_value_comes_back_the_same(value: Any, hint: Any) -> None:
    assert there_and_back(value, hint) == value


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("1", int), (True, int), (1, bool), (1, str), ("green", Colour), ({"age": 1}, Leaf), (["a"], Leaf), ([1, 2], tuple[int]),
        ("medium", Literal["fast", "slow"]), ([7, {}], Queued | Delta), ("yesterday", datetime), ({}, Sequence[str]), (1, None),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_type_is_refused(data: Any, hint: Any) -> None:
    with pytest.raises((ValueError, IndexError)):
        codec(hint).read(data, [])


def test_a_field_that_the_other_release_does_not_know_keeps_its_default() -> None:
    assert codec(Leaf).read({"of": "b", "colour": "red"}, []) == Leaf("b", 3)


@pytest.mark.parametrize("hint", [Any, threading.Thread, object, Sequence[threading.Thread], type])
def test_a_type_that_cannot_travel_is_named(hint: Any) -> None:
    with pytest.raises(Unfit):
        codec(hint)


@pytest.mark.parametrize(
    "error",
    [
        NotFound("There is no chat named {name}.", name="ä"),
        Busy("Wait {seconds} s.", retry_after=2.5, seconds=3),
        PromptTooLong(9000, 4096),
        InvalidInput("{problem}", problem=NotFound("inner {x}", x=1)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_with_its_class_its_template_and_its_numbers(error: PortalError) -> None:
    back = read_error(json.loads(json.dumps(write_error(error))))
    assert type(back) is type(error) and str(back) == str(error)
    assert (back.template, back.status, back.code) == (error.template, error.status, error.code)
    assert getattr(back, "retry_after", None) == getattr(error, "retry_after", None)


def test_an_error_of_another_release_keeps_status_and_code() -> None:
    data = write_error(NotFound("Gone.")) | {"class": "SomethingNew", "status": 418, "code": "teapot"}
    back = read_error(data)
    assert (str(back), back.status, back.code) == ("Gone.", 418, "teapot")


@pytest.mark.parametrize("data", [None, 1, {}, {"class": "Busy", "template": "{a}", "params": {}, "status": 1, "code": "x", "more": {}}])
def test_an_error_that_cannot_be_read_is_still_an_error(data: Any) -> None:
    assert isinstance(read_error(data), PortalError)


@pytest.mark.parametrize(
    "message", [b"", b"{}\n", b'{"data":1,"blobs":[5]}\nabc', b'{"data":1,"blobs":[-1]}\n', b'{"data":1}\nrest', b"[]\n"]
)
def test_a_message_that_does_not_add_up_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError):
        read(message)
