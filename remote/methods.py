"""Derive from the type hints of a listed method how to send its arguments and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from functools import cache
from inspect import Signature, signature
from typing import Any, get_args, get_origin, get_type_hints

from core.chat.running_turn import LiveTurn, RunningTurn
from core.errors import NotFound
from core.people.records import Credentials, User
from core.people.sessions import Proof
from remote.codec import Codec, Unfit, codec
from remote.port import PagePortal
from remote.services import BY_NAME, SERVICES, STAFF_VALUES


class Kind(StrEnum):
    """The ways to send an argument or a result."""

    VALUE = "value"
    USER = "user"
    """The person, who is never sent: the admin server uses the owner of the session token."""
    PROOF = "proof"
    """A proven identity. It stays on the admin server; the user server gets a handle that works once."""
    CALLBACK = "callback"
    """A function that the method calls while it runs. Each call is sent as an event."""
    ITEMS = "items"
    """A result that is sent item by item."""
    LIVE = "live"
    """A running turn: its record first, then its events."""


@dataclass(frozen=True, slots=True)
class Part:
    """An argument or the result. codec: codec of the value, the item, or the callback's arguments; None for the other kinds."""

    kind: Kind
    codec: Codec | None = None

    @property
    def values(self) -> Codec:
        assert self.codec is not None, f"a {self.kind} has no value"
        return self.codec


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service, and how its arguments and result are sent."""

    service: str
    name: str
    parts: Mapping[str, Part]
    result: Part
    signature: Signature
    staff: bool
    proving: bool
    repeatable: bool
    """Whether the method changes nothing, so that a call may be sent twice."""
    binds: bool
    """Whether the result is the owner of the token in the arguments."""

    @property
    def user_parameter(self) -> str | None:
        return next((name for name, part in self.parts.items() if part.kind is Kind.USER), None)

    @property
    def takes_proof(self) -> bool:
        """Tell whether an argument is a proof of an identity, which the admin server's database stores."""
        return any(part.kind is Kind.PROOF for part in self.parts.values())

    @property
    def changes_nothing(self) -> bool:
        """Tell whether this is a read with plain arguments and result, so that it may be called early and together with others."""
        kinds = {part.kind for part in self.parts.values()} | {self.result.kind}
        return self.repeatable and not self.proving and kinds <= {Kind.VALUE, Kind.USER, Kind.LIVE}

    @property
    def has_events(self) -> bool:
        return self.result.kind is Kind.ITEMS or any(part.kind is Kind.CALLBACK for part in self.parts.values())


@cache
def method(service: str, name: str) -> Method:
    """Return how to call a listed method. Raises NotFound for any other, and Unfit if its types cannot be sent."""
    found = BY_NAME.get(service)
    if found is None or name not in (*found.anyone, *found.user, *found.staff):
        raise NotFound("The internal API has no method {name}.", name=f"{service}.{name}")
    function = getattr(get_type_hints(PagePortal)[service], name)
    hints = get_type_hints(function)
    shape = signature(function)
    parts = {each: _argument(hints[each]) for each in list(shape.parameters)[1:]}
    made = Method(
        service=service,
        name=name,
        parts=parts,
        result=_result(hints["return"]),
        signature=shape,
        staff=name in found.staff,
        proving=name in found.proving,
        repeatable=name in found.reads,
        binds=hints["return"] == User | None and "token" in parts,
    )
    if (made.user_parameter is None) is not (name in found.anyone):
        raise Unfit(f"{service}.{name}: list it under anyone if it takes no User, else under user or staff")
    return made


def values(*, staff: bool) -> Iterator[tuple[str, str, Codec]]:
    """Yield the service, name and codec of each listed value. staff: include those that only staff pages need."""
    for service in SERVICES:
        for name, kind in service.values.items():
            if staff or (service.name, name) not in STAFF_VALUES:
                yield service.name, name, codec(kind)


def _argument(hint: Any) -> Part:
    if hint in (User, User | None):
        return Part(Kind.USER)
    if hint is Proof:
        return Part(Kind.PROOF)
    for each in (hint, *get_args(hint)):
        if get_origin(each) is Callable:
            return Part(Kind.CALLBACK, codec(tuple[tuple(get_args(each)[0])]))  # type: ignore[misc]
    if found := {User, Proof, Credentials} & set(_inside(hint)):
        raise Unfit(f"an argument holds {found}: a user server could pretend to be anyone")
    return Part(Kind.VALUE, codec(hint))


def _result(hint: Any) -> Part:
    if hint is Proof:
        return Part(Kind.PROOF)
    if hint in (LiveTurn | None, RunningTurn | None):
        return Part(Kind.LIVE)
    if get_origin(hint) is Iterator:
        return Part(Kind.ITEMS, codec(get_args(hint)[0]))
    if found := {Proof, Credentials} & set(_inside(hint)):
        raise Unfit(f"the result holds {found}, which must not leave the admin server")
    return Part(Kind.VALUE, codec(hint))


def _inside(hint: Any, seen: frozenset[Any] = frozenset()) -> Iterator[Any]:
    """Yield the type and all types that it contains."""
    if hint in seen:
        return
    yield hint
    inner = get_args(hint) or (get_type_hints(hint).values() if is_dataclass(hint) else ())
    for each in inner:
        yield from _inside(each, seen | {hint})
