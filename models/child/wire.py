"""Exchange messages between the portal and a model's process: length-prefixed JSON, so that nothing in a message is ever run.

Each message is an object. To the child: first {"path", "options", "name", "log_level"}, then {"call", "name", "args"} and {"close"}, to one
that chats {"cancel"} and {"prefetch"}, to one that makes vectors {"abort"}.
From the child: {"progress"}, {"ready"} or {"refused"}, then {"answer", "value"}, {"answer", "error"} and, of chats, {"events", "metrics"}.
"""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import core.errors
from core.errors import Busy, ModelFailed, PortalError
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Alternative, Finished, Queued, SamplingParams, TokenLogprob
from models.engine.sampling.sampler import Resolved, ThinkingTags
from models.engine.sequence import Event, TokenDelta
from models.engine.stats.histogram import Spread, Spreads
from models.engine.stats.metrics import EngineMetrics

MAX_BYTES = 256 * 1024 * 1024
"""Limit of one message; a prompt of a million tokens has 7 MB."""
_LENGTH = struct.Struct("<I")
Message = dict[str, Any]
_log = logging.getLogger(__name__)


class Channel:
    """One end of the socket. Any thread may send, one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._reader = end.makefile("rb")
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Send a message. Raises OSError if the other end is gone."""
        data = json.dumps(message, separators=(",", ":")).encode()
        with self._sending:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> Message | None:
        """Return the next message; None if the other end is gone. Raises ValueError for anything else."""
        try:
            head = self._reader.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return None
            [length] = _LENGTH.unpack(head)
            if length > MAX_BYTES:
                raise ValueError(f"a message of {length} bytes")
            data = self._reader.read(length)
        except OSError:
            return None
        if len(data) < length:
            return None
        message = json.loads(data)
        if not isinstance(message, dict):
            raise ValueError("a message that is not an object")
        return message

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


def answer_call(channel: Channel, number: int, call: Callable[..., object], arguments: list[Any]) -> None:
    """Make a call in the child, and send its result to the portal."""
    answer: Message = {"answer": number}
    try:
        answer["value"] = call(*arguments)
    except PortalError as error:
        answer["error"] = write_error(error)
    except Exception as error:  # noqa: BLE001 - one broken call must not end the process
        _log.exception("%s failed", call)
        answer["error"] = write_error(ModelFailed("The model failed: {reason}", reason=str(error)))
    channel.send(answer)


def write_event(event: Event) -> list[Any]:
    match event:
        case TokenDelta():
            return ["delta", event.text, event.tokens]
        case Queued():
            return ["queued", event.position, event.wait_s]
        case Finished():
            return ["finished", event.finish_reason.value, asdict(event.usage), asdict(event.timings), event.stop]
        case PortalError():
            return ["error", write_error(event)]


def read_event(written: list[Any]) -> Event:
    match written:
        case ["delta", str(text), int(tokens)]:
            return TokenDelta(text, tokens=tokens)
        case ["queued", int(position), wait_s]:
            return Queued(position, wait_s)
        case ["finished", str(reason), dict(usage), dict(timings), stop]:
            return Finished(FinishReason(reason), Usage(**usage), Timings(**timings), stop=stop)
        case ["error", dict(error)]:
            return read_error(error)
    raise ValueError(f"an unknown event {written[:1]}")


def write_error(error: PortalError) -> Message:
    params = {name: value if isinstance(value, int | float) else str(value) for name, value in error.params.items()}
    written: Message = {"kind": type(error).__name__, "template": error.template, "params": params}
    return written | ({"retry_after": error.retry_after} if isinstance(error, Busy) else {})


def read_error(written: Message) -> PortalError:
    """Return one of core's errors; ModelFailed for anything else."""
    kind = getattr(core.errors, str(written["kind"]), None)
    template, params = str(written["template"]), dict(written["params"])
    if kind is Busy:
        return Busy(template, retry_after=float(written["retry_after"]), **params)
    if not (isinstance(kind, type) and issubclass(kind, PortalError) and kind.__init__ is PortalError.__init__):
        kind = ModelFailed
    return kind(template, **params)


def write_logprobs(found: list[TokenLogprob]) -> list[Any]:
    """Write bytes as the characters of the same numbers."""
    return [
        [one.piece.decode("latin-1"), one.logprob, [[other.piece.decode("latin-1"), other.logprob] for other in one.top]] for one in found
    ]


def read_logprobs(written: list[Any]) -> list[TokenLogprob]:
    return [
        TokenLogprob(piece.encode("latin-1"), logprob, tuple(Alternative(other.encode("latin-1"), value) for other, value in top))
        for piece, logprob, top in written
    ]


def read_metrics(written: Message) -> EngineMetrics:
    spreads = {
        name: Spread(tuple(one["bounds"]), tuple(one["counts"]), one["total"]) for name, one in (written.get("spreads") or {}).items()
    }
    return EngineMetrics(**written | {"spreads": Spreads(**spreads) if spreads else None})


def write_params(params: SamplingParams) -> Message:
    return asdict(params)


def read_params(written: Message) -> Resolved:
    tags = written.pop("tags", None)
    given = {name: _tuple(value) for name, value in written.items()}
    return Resolved(**given, tags=tags and ThinkingTags(tuple(tags["opening"]), tuple(tags["closing"]), tags["inside"]))


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
