"""Convert values to JSON and back by their type hints: records, enumerations, times, tuples, unions, bytes and errors.

Bytes are sent outside the JSON, so that files need no encoding. A field that one side does not know keeps its default, so that two
releases can communicate during an upgrade.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from core.errors import PortalError
from remote.errors import read_error, write_error

Json = Any
Blobs = list[bytes]
"""The bytes of one message, in the order in which its JSON refers to them."""
_LISTS: tuple[Any, ...] = (list, Sequence, Collection, Iterable, Iterator)
_PRIMITIVE = (str, int, float, bool)


class Codec(NamedTuple):
    """Converts the values of one type. `write` appends bytes to the blobs, `read` takes them from there. Both raise ValueError."""

    write: Callable[[Any, Blobs], Json]
    read: Callable[[Json, Sequence[bytes]], Any]


class Unfit(TypeError):
    """Raised for a type whose values cannot be sent."""


def codec(hint: Any) -> Codec:
    """Return the codec of a type hint. Raises Unfit."""
    try:
        return _codec(hint)
    except TypeError as problem:
        if isinstance(problem, Unfit):
            raise
        raise Unfit(f"{hint} cannot be sent") from problem


@cache
def _codec(hint: Any) -> Codec:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is None or hint is NoneType:
        return Codec(lambda _value, _blobs: None, _nothing)
    if origin in (Union, UnionType):
        if _refers_to_itself(hint):
            return Codec(_same, lambda data, _blobs: data)
        return _union(arguments)
    if origin is Annotated:
        return codec(arguments[0])
    if origin is Literal:
        return Codec(_same, lambda data, _blobs: _one_of(data, arguments))
    if origin is tuple or hint is tuple:
        return _tuple(arguments)
    if origin in _LISTS:
        return _list(arguments[0], list)
    if origin in (set, frozenset):
        return _list(arguments[0], origin)
    if origin in (dict, Mapping):
        return _mapping(*arguments)
    if isinstance(hint, type):
        return _plain(hint)
    raise Unfit(f"{hint} cannot be sent")


def _plain(hint: type) -> Codec:
    if hint in _PRIMITIVE:
        return Codec(_same, lambda data, _blobs: _checked(data, hint))
    if hint is bytes:
        return Codec(_add_blob, lambda data, blobs: blobs[_checked(data, int)])
    if issubclass(hint, PortalError):
        return Codec(lambda value, _blobs: write_error(value), lambda data, _blobs: read_error(data))
    if issubclass(hint, Enum):
        return Codec(lambda value, _blobs: value.value, lambda data, _blobs: hint(data))
    if issubclass(hint, datetime | date | time):
        return Codec(lambda value, _blobs: value.isoformat(), lambda data, _blobs: hint.fromisoformat(_checked(data, str)))
    if hint is timedelta:
        return Codec(lambda value, _blobs: value.total_seconds(), lambda data, _blobs: timedelta(seconds=_checked(data, float)))
    if issubclass(hint, Path):
        return Codec(lambda value, _blobs: str(value), lambda data, _blobs: Path(_checked(data, str)))
    if is_dataclass(hint):
        return _record(hint)
    raise Unfit(f"{hint.__module__}.{hint.__qualname__} cannot be sent")


def _record(hint: type) -> Codec:
    """Return the codec of a dataclass as an object of its fields. Their codecs are looked up late, since records may be recursive."""
    hints = get_type_hints(hint)
    sent = [each for each in fields(hint) if each.init]
    for each in sent:
        if hints[each.name] is not hint:
            _check_field(hint, each, hints[each.name])

    def write(value: Any, blobs: Blobs) -> Json:
        if not isinstance(value, hint):
            raise ValueError(f"{type(value).__name__} is not a {hint.__name__}")
        return {each.name: codec(hints[each.name]).write(getattr(value, each.name), blobs) for each in sent}

    def read(data: Json, blobs: Sequence[bytes]) -> Any:
        _checked(data, dict)
        values = {each.name: codec(hints[each.name]).read(data[each.name], blobs) for each in sent if each.name in data}
        for each in sent:
            if each.name not in values and each.default is MISSING and each.default_factory is MISSING:
                raise ValueError(f"{hint.__name__} lacks {each.name}")
        return hint(**values)

    return Codec(write, read)


def _check_field(record: type, field: Field[Any], hint: Any) -> None:
    """Raise Unfit now for a field that cannot be sent, rather than when the first record is sent."""
    if record in (hint, *get_args(hint)):
        return
    try:
        codec(hint)
    except Unfit as problem:
        raise Unfit(f"{record.__name__}.{field.name}: {problem}") from problem


def _refers_to_itself(hint: Any) -> bool:
    """Tell whether this is the recursive type of any JSON (core.tasks.records.Json)."""
    return any(each == ForwardRef("Json") or _refers_to_itself(each) for each in get_args(hint))


def _union(arguments: tuple[Any, ...]) -> Codec:
    members = [each for each in arguments if each is not NoneType]
    optional = len(members) < len(arguments)
    if len(members) == 1:
        inner = codec(members[0])
    elif all(each in _PRIMITIVE for each in members):
        inner = Codec(_same, lambda data, _blobs: _one_of_types(data, members))
    else:
        inner = _tagged(members)
    if not optional:
        return inner
    return Codec(
        lambda value, blobs: None if value is None else inner.write(value, blobs),
        lambda data, blobs: None if data is None else inner.read(data, blobs),
    )


def _tagged(members: list[Any]) -> Codec:
    """Return the codec of a union. A value is sent with the index of its type."""
    codecs = [codec(each) for each in members]
    types = [get_origin(each) or each for each in members]

    def write(value: Any, blobs: Blobs) -> Json:
        for number, kind in enumerate(types):
            if isinstance(value, kind):
                return [number, codecs[number].write(value, blobs)]
        raise ValueError(f"{type(value).__name__} is none of {members}")

    def read(data: Json, blobs: Sequence[bytes]) -> Any:
        number, value = _checked(data, list)
        return codecs[_checked(number, int)].read(value, blobs)

    return Codec(write, read)


def _tuple(arguments: tuple[Any, ...]) -> Codec:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _list(arguments[0], tuple)
    codecs = [codec(each) for each in arguments]

    def read(data: Json, blobs: Sequence[bytes]) -> tuple[Any, ...]:
        return tuple(each.read(part, blobs) for each, part in zip(codecs, _checked(data, list), strict=True))

    return Codec(lambda value, blobs: [each.write(part, blobs) for each, part in zip(codecs, value, strict=True)], read)


def _list(item: Any, make: Callable[[Iterable[Any]], Any]) -> Codec:
    inner = codec(item)

    def read(data: Json, blobs: Sequence[bytes]) -> Any:
        return make(inner.read(each, blobs) for each in _checked(data, list))

    return Codec(lambda value, blobs: [inner.write(each, blobs) for each in value], read)


def _mapping(key: Any, value: Any) -> Codec:
    """Return the codec of a mapping as a list of pairs, because keys need not be strings."""
    keys, values = codec(key), codec(value)

    def read(data: Json, blobs: Sequence[bytes]) -> dict[Any, Any]:
        return {keys.read(one, blobs): values.read(other, blobs) for one, other in _checked(data, list)}

    return Codec(lambda given, blobs: [[keys.write(one, blobs), values.write(other, blobs)] for one, other in given.items()], read)


def _same(value: Any, _blobs: Blobs) -> Json:
    return value


def _nothing(data: Json, _blobs: Sequence[bytes]) -> None:
    if data is not None:
        raise ValueError("expected nothing")


def _add_blob(value: Any, blobs: Blobs) -> Json:
    blobs.append(bytes(value))
    return len(blobs) - 1


def _checked(data: Json, kind: type) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise ValueError(f"expected {kind.__name__}, not {type(data).__name__}")
    return data


def _one_of(data: Json, choices: Collection[Any]) -> Any:
    if data not in choices:
        raise ValueError(f"expected one of {choices}")
    return data


def _one_of_types(data: Json, kinds: Sequence[type]) -> Any:
    if type(data) not in kinds:
        raise ValueError(f"expected one of {kinds}")
    return data
