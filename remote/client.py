"""Call methods of the admin server's services as if the services were local."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.chat.records import Turn
from core.errors import NotFound, PortalError, ServerUnreachable
from core.people.sessions import Proof
from remote.codec import Blobs, codec
from remote.connection import Connection
from remote.errors import read_error
from remote.frames import Message
from remote.identity import SealedProof, SessionUser, token_of
from remote.methods import Kind, Method, method
from remote.read_prefetch import Answer, Read, ReadPrefetch
from remote.services import BY_NAME
from remote.turns import RemoteTurnList

POLL_S = 0.5
"""Seconds between checks, in a call that waits for the admin server, whether its page was stopped."""
Waiting = Callable[[], AbstractContextManager[Callable[[], object]]]
"""Entered while the admin server is away. Yields a function that is called every POLL_S and may raise to give up."""


class RemoteService:
    """One service of the admin server, with the methods and values that remote/services.py lists."""

    def __init__(self, caller: Caller, name: str) -> None:
        self._caller = caller
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in BY_NAME[self._name].values:
            return self._caller.value(self._name, name)
        try:
            found = method(self._name, name)
        except NotFound as problem:
            raise AttributeError(str(problem)) from problem
        call = partial(self._caller.call, found)
        setattr(self, name, call)
        return call


@dataclass(slots=True)
class _Outgoing:
    """A call to send, and its callbacks, which run in this process."""

    token: str | None = None
    user: SessionUser | None = None
    data: dict[str, Any] = field(default_factory=dict)
    blobs: Blobs = field(default_factory=list)
    callbacks: dict[str, Callable[..., object]] = field(default_factory=dict)


class Caller:
    """Sends calls and reads their results. Thread-safe."""

    def __init__(
        self,
        connection: Connection,
        values: Mapping[tuple[str, str], Any],
        turns: RemoteTurnList,
        waiting: Waiting | None = None,
        prefetch: ReadPrefetch | None = None,
    ) -> None:
        """values: the values last received. turns: the answers that this server follows.

        waiting: entered while the admin server is away, as pages do; None raises ServerUnreachable at once.
        ahead: the combined reads of this tab.
        """
        self._connection = connection
        self._values = values
        self._waiting = waiting
        self._prefetch = prefetch
        self.turns = turns

    def value(self, service: str, name: str) -> Any:
        return self._values[service, name]

    def call(self, wanted: Method, *arguments: Any, **named: Any) -> Any:
        """Call the method. Raises the errors of the method, and ServerUnreachable."""
        while True:
            try:
                return self._call(wanted, *arguments, **named)
            except ServerUnreachable as away:
                if self._waiting is None or away.sent:
                    raise
                with self._waiting() as still_waiting:
                    while not away.wait(POLL_S):
                        still_waiting()

    def _call(self, wanted: Method, *arguments: Any, **named: Any) -> Any:
        out = self._outgoing(wanted, wanted.signature.bind(None, *arguments, **named).arguments)
        if wanted.result.kind is Kind.ITEMS:
            return self._items(wanted, out)
        if out.callbacks:
            if self._prefetch is not None:
                self._prefetch.before_change(f"{wanted.service}.{wanted.name}", None)
            return self._with_callbacks(wanted, out)
        if self._prefetch is None:
            return self._sent(wanted, out)[0]
        if not wanted.changes_nothing:
            return self._change(self._prefetch, wanted, out)
        answer = self._prefetch.answer(Read.of(wanted.service, wanted.name, out.token, out.data), self._send_prefetch)
        if answer is None:
            return self._sent(wanted, out)[0]
        if "error" in answer:
            raise read_error(answer["error"])
        return self._result(wanted, out, answer["value"], [])

    def _sent(self, wanted: Method, out: _Outgoing, reads: Sequence[Read] = ()) -> tuple[Any, Sequence[Answer]]:
        """Send a call with the reads that the page needs after it. Returns its result and their answers."""
        repeatable = wanted.repeatable or "request_id" in out.data
        path = f"/internal/v1/call/{wanted.service}/{wanted.name}"
        message = Message(out.data, out.blobs, reads=[each.sent for each in reads])
        reply = self._connection.post(path, out.token, message, repeatable=repeatable)
        return self._result(wanted, out, reply.data, reply.blobs), reply.reads

    def _change(self, prefetch: ReadPrefetch, wanted: Method, out: _Outgoing) -> Any:
        reads = prefetch.before_change(f"{wanted.service}.{wanted.name}", out.token)
        result, answers = self._sent(wanted, out, reads)
        prefetch.after_change(reads, answers, getattr(result, "conversation_id", None))
        return result

    def _send_prefetch(self, reads: Sequence[Read]) -> Sequence[Answer] | None:
        token = next((each.token for each in reads if each.token is not None), None)
        try:
            answers: Sequence[Answer] = self._connection.post(
                "/internal/v1/calls", token, Message([each.sent for each in reads]), repeatable=True
            ).data
        except ServerUnreachable:
            raise
        except PortalError:
            return None  # Each read is then sent alone and reports its own error.
        return answers

    def _outgoing(self, wanted: Method, arguments: Mapping[str, Any]) -> _Outgoing:
        out = _Outgoing()
        for name, value in arguments.items():
            part = wanted.parts.get(name)
            if part is None:
                continue  # self
            if part.kind is Kind.USER:
                out.token = token_of(value)
                out.user = value
            elif part.kind is Kind.PROOF:
                out.data[name] = value.handle
            elif part.kind is Kind.CALLBACK:
                if value is not None:
                    out.callbacks[name] = value
                    out.data[name] = True
            else:
                out.data[name] = part.values.write(value, out.blobs)
        return out

    def _result(self, wanted: Method, out: _Outgoing, data: Any, blobs: Sequence[bytes]) -> Any:
        try:
            if wanted.result.kind is Kind.PROOF:
                return SealedProof.of(codec(Proof).read(data["proof"], blobs), str(data["handle"]))
            if wanted.result.kind is Kind.LIVE:
                stop = partial(self._stop, wanted.service)
                return None if data is None else self.turns.follow(_signed_in(out.user), codec(Turn).read(data, blobs), stop)
            result = wanted.result.values.read(data, blobs)
        except (ValueError, TypeError, KeyError, IndexError) as problem:
            raise read_error(None) from problem
        return SessionUser.of(result, out.data["token"]) if wanted.binds and result is not None else result

    def _stop(self, service: str, user: SessionUser, turn: Turn) -> None:
        self.call(method(service, "stop"), user, turn.conversation_id)

    def _with_callbacks(self, wanted: Method, out: _Outgoing) -> Any:
        for event in self._events(wanted, out):
            if "call" in event:
                part = wanted.parts[event["call"]]
                out.callbacks[event["call"]](*part.values.read(event["arguments"], []))
            else:
                return self._result(wanted, out, event["value"], [])
        raise read_error(None)

    def _items(self, wanted: Method, out: _Outgoing) -> Iterator[Any]:
        for event in self._events(wanted, out):
            if "item" not in event:
                return
            yield wanted.result.values.read(event["item"], [])

    def _events(self, wanted: Method, out: _Outgoing) -> Iterator[dict[str, Any]]:
        path = f"/internal/v1/events/{wanted.service}/{wanted.name}"
        with self._connection.stream(path, out.token, Message(out.data, out.blobs)) as lines:
            for line in lines:
                event = json.loads(line)
                if "error" in event:
                    raise read_error(event["error"])
                yield event


def _signed_in(user: SessionUser | None) -> SessionUser:
    assert user is not None, "only a signed-in person follows an answer"
    return user
