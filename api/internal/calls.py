"""Run the calls of a user server: read the arguments, add the person, call the service, write the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from inspect import Parameter
from typing import Any

from api.services import Portal
from core.chat.records import Turn
from core.errors import InvalidInput, NotAllowed, NotSignedIn, PortalError
from core.people.records import User
from core.people.sessions import Proof
from remote.codec import Blobs, codec
from remote.errors import write_error
from remote.frames import Message
from remote.methods import Kind, Method, method
from remote.read_prefetch import CONVERSATION

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its arguments."""

    portal: Portal
    method: Method
    user: User | None
    given: Mapping[str, Any]
    """The values of the arguments that were sent, except callbacks and the person."""
    callbacks: tuple[str, ...]
    """The callback arguments whose calls the user server receives as events."""
    handle: str | None = None
    """The handle of the proof among the arguments, if any."""
    reads: Sequence[Any] = ()
    """The reads that the page needs after the call."""

    @classmethod
    def read(cls, portal: Portal, method: Method, user: User | None, message: Message) -> Call:
        """Read the arguments. Raises InvalidInput for arguments that do not fit the method."""
        given: dict[str, Any] = {}
        callbacks: list[str] = []
        handle = None
        try:
            for name, written in dict(message.data).items():
                part = method.parts[name]
                if part.kind is Kind.VALUE:
                    given[name] = part.values.read(written, message.blobs)
                elif part.kind is Kind.PROOF:
                    handle = str(written)
                    given[name] = portal.sessions.take(handle)
                elif part.kind is Kind.CALLBACK:
                    callbacks.append(name)
                else:
                    raise ValueError("the person is whoever the session belongs to")
            if missing := [name for name in _needed(method) if name not in given]:
                raise ValueError(f"missing: {missing}")
        except PortalError:
            raise
        except (KeyError, ValueError, TypeError, IndexError) as problem:
            words = "The internal API cannot read this call of {method}. Both servers must run the same release."
            raise InvalidInput(words, method=f"{method.service}.{method.name}") from problem
        return cls(portal, method, user, given, tuple(callbacks), handle, message.reads)

    def run(self, on_event: Callable[[Any], None] | None = None) -> Message:
        """Call the method; return its result as a message.

        on_event: receives {"call"} for each call of a callback, and {"item"} for each item of the result.
        """
        arguments = dict(self.given)
        if on_event is not None:
            for name in self.callbacks:
                arguments[name] = self._callback(name, on_event)
        if parameter := self.method.user_parameter:
            arguments[parameter] = self.user
        try:
            result = getattr(getattr(self.portal, self.method.service), self.method.name)(**arguments)
        except PortalError:
            if self.handle is not None:
                self.portal.sessions.give_back(self.handle)
            raise
        if self.method.result.kind is not Kind.ITEMS:
            return self._written(result)
        assert on_event is not None, "items are sent as events"
        for item in result:
            on_event({"item": self.method.result.values.write(item, [])})
        return Message(None)

    def _written(self, result: Any) -> Message:
        blobs: Blobs = []
        part = self.method.result
        match part.kind:
            case Kind.PROOF:
                public = replace(result, mark="")  # The fingerprint of the password never leaves this server.
                data: Any = {"handle": self.portal.sessions.keep(result), "proof": codec(Proof).write(public, blobs)}
            case Kind.LIVE:
                data = None if result is None else codec(Turn).write(result.turn, blobs)
            case _:
                data = part.values.write(result, blobs)
        return Message(data, blobs)

    def _callback(self, name: str, on_event: Callable[[Any], None]) -> Callable[..., None]:
        write = self.method.parts[name].values.write
        return lambda *arguments: on_event({"call": name, "arguments": write(arguments, [])})


def answer_reads(
    portal: Portal, reads: Any, token: str | None, find_user: Callable[[], User], conversation: str | None = None
) -> list[dict[str, Any]]:
    """Run several reads in their order. Each answer is {"value"}, {"error"}, or {"again"} for a read that has to be sent alone.

    token: of the session. find_user: looks up whose session it is; called at most once. conversation: the id that replaces the placeholder
    of a conversation that a change has just created. Raises InvalidInput if `reads` is not a list of calls.
    """
    answers: list[dict[str, Any]] = []
    find_user = cache(find_user)
    try:
        asked = [(str(service), str(name), dict(data)) for service, name, data in reads]
    except (TypeError, ValueError) as problem:
        raise InvalidInput("The internal API cannot read these calls. Both servers must run the same release.") from problem
    for service, name, data in asked:
        try:
            wanted = method(service, name)
            check_tier(wanted, staff=portal.settings.internal_staff)
            if not wanted.changes_nothing:
                raise InvalidInput("{method} cannot be called together with others.", method=f"{service}.{name}")
            if data.get("conversation_id") == CONVERSATION:
                if conversation is None:
                    answers.append({"again": True})
                    continue
                data["conversation_id"] = conversation
            if wanted.binds and data == {"token": token}:  # The page asks whose session it is, which all other reads need as well.
                answers.append({"value": wanted.result.values.write(_owner(find_user), [])})
                continue
            user = find_user() if wanted.user_parameter else None
            result = Call.read(portal, wanted, user, Message(data)).run()
            answers.append({"again": True} if result.blobs else {"value": result.data})
        except PortalError as problem:
            answers.append({"error": write_error(problem)})
        except Exception:
            log.exception("%s.%s failed among several calls", service, name)
            answers.append({"again": True})
    return answers


def _owner(find_user: Callable[[], User]) -> User | None:
    try:
        return find_user()
    except NotSignedIn:
        return None


def check_tier(method: Method, *, staff: bool) -> None:
    """Raise NotAllowed for a method of staff pages, unless the settings allow staff pages on user servers."""
    if method.staff and not staff:
        raise NotAllowed("User servers may not call {method}. Open the admin server's own pages.", method=f"{method.service}.{method.name}")


def _needed(method: Method) -> Iterator[str]:
    for name, parameter in list(method.signature.parameters.items())[1:]:
        if parameter.default is Parameter.empty and method.parts[name].kind in (Kind.VALUE, Kind.PROOF):
            yield name
