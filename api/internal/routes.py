"""Serve the internal API. Its routes need a service key, and the public description leaves them out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.answering.streams import KEEP_ALIVE, KEEP_ALIVE_S, Cutoff, EventStream, Failed, Feed, pump, sse
from api.errors import UNEXPECTED
from api.internal import live
from api.internal.access import CALLS, CALLS_WITHOUT_SESSION, SESSION_HEADER, RateLimit, ServiceKey, session_user
from api.internal.calls import Call, answer_reads, check_tier
from api.services import Portal, PortalHere
from core.chat.running_turn import LiveTurn, Snapshot
from core.errors import InvalidInput, NotFound, PortalError, Unavailable
from core.operations.log_context import add_to_log_context, error_code
from core.people.records import User
from remote import frames
from remote.errors import write_error
from remote.frames import Message
from remote.identity import PROOF_TOKEN
from remote.methods import method, values
from remote.read_prefetch import MAX_READS

log = logging.getLogger(__name__)
router = APIRouter(prefix="/internal/v1", include_in_schema=False)

CALL_S = 150.0
"""Longest time that a call may take. Reading a document takes longest: a minute, plus its time in the queue."""
THREADS = 32

T = TypeVar("T")
_threads = ThreadPoolExecutor(THREADS, "internal")
"""Separate from the threads of pages and other routes, since sign-ins and documents wait here in queues."""
session_limit = RateLimit(CALLS)
server_limit = RateLimit(CALLS_WITHOUT_SESSION)


@router.get("/values")
async def all_values(key: ServiceKey, portal: PortalHere) -> Response:
    """Return the attributes that are the same for everybody. User servers ask every few seconds, which also shows that this server runs."""
    server_limit.count(key)

    def written() -> list[Any]:
        found = values(staff=portal.settings.internal_staff)
        return [[service, name, each.write(getattr(getattr(portal, service), name), [])] for service, name, each in found]

    return _whole(200, await _run(written))


@router.post("/call/{service}/{name}")
async def call(service: str, name: str, request: Request, key: ServiceKey, portal: PortalHere) -> Response:
    """Call a method and return its result."""
    try:
        asked = await _read(service, name, request, key, portal)
        if asked.reads:
            session_limit.count(_token(request) or key, len(asked.reads))
        message = await _run(lambda: _with_reads(portal, asked, _token(request)))
    except PortalError as problem:
        return _failed(problem)
    return _framed(message)


@router.post("/calls")
async def calls(request: Request, key: ServiceKey, portal: PortalHere) -> Response:
    """Run several reads, to draw a page."""
    token = _token(request)
    try:
        reads = _message(await request.body(), "calls").data
        if not isinstance(reads, list) or len(reads) > MAX_READS:
            raise _unreadable("calls")
        session_limit.count(token or key, len(reads))
        answers = await _run(lambda: answer_reads(portal, reads, token, lambda: session_user(portal, token)))
    except PortalError as problem:
        return _failed(problem)
    return _whole(200, answers)


@router.post("/events/{service}/{name}")
async def events(service: str, name: str, request: Request, key: ServiceKey, portal: PortalHere) -> Response:
    """Call a method that reports progress, or returns items one by one. The last event is its result or its error."""
    try:
        asked = await _read(service, name, request, key, portal)
    except PortalError as problem:
        return _failed(problem)
    feed: Feed[Any] = Feed()
    context = copy_context()

    def run() -> Iterator[Any]:
        yield {"value": context.run(asked.run, feed.put).data}

    pump(run(), feed, f"internal-{name}")
    return _stream(_sent(feed), lambda: None, portal, _token(request))


@router.post("/live/{turn_id}")
async def live_turn(turn_id: str, request: Request, key: ServiceKey, portal: PortalHere) -> Response:
    """Send the events of one of the person's running answers until it has ended."""
    token = _token(request)
    try:
        server_limit.count(key)
        running = await _run(lambda: _running(portal, session_user(portal, token), turn_id))
        if running is None:
            raise NotFound("This answer is not running on this server.")
    except PortalError as problem:
        return _failed(problem)
    feed: Feed[Snapshot] = Feed()
    leave = running.listen(feed.put)
    return _stream(live.events(running, feed), leave, portal, token)


async def _read(service: str, name: str, request: Request, key: str, portal: Portal) -> Call:
    """Check who calls, and read the arguments."""
    wanted = method(service, name)
    check_tier(wanted, staff=portal.settings.internal_staff)
    user, token = None, _token(request)
    if wanted.user_parameter:
        session_limit.count(token or key)
        if token is not None and token.startswith(PROOF_TOKEN) and wanted.proving:
            handle = token.removeprefix(PROOF_TOKEN)
            user = await _run(lambda: portal.sessions.handle_user(handle))
        else:
            user = await _run(lambda: session_user(portal, token))
        add_to_log_context(user_id=user.id)
    else:
        server_limit.count(key)
    message = _message(await request.body(), f"{wanted.service}.{wanted.name}")
    if len(message.reads) > MAX_READS:
        raise _unreadable("calls")
    if wanted.takes_proof:
        return await _run(lambda: Call.read(portal, wanted, user, message))
    return Call.read(portal, wanted, user, message)


def _with_reads(portal: Portal, asked: Call, token: str | None) -> Message:
    """Run a call, then the reads sent with it. The session is looked up again for them: the call may have ended it."""
    message = asked.run()
    if not asked.reads:
        return message
    conversation = message.data.get("conversation_id") if isinstance(message.data, dict) else None
    return message._replace(reads=answer_reads(portal, asked.reads, token, lambda: session_user(portal, token), conversation))


async def _run(work: Callable[[], T]) -> T:
    """Run `work` on a thread of this API and return its result. Raises Unavailable after CALL_S."""
    context = copy_context()
    running = asyncio.get_running_loop().run_in_executor(_threads, lambda: context.run(work))
    done, _ = await asyncio.wait({running}, timeout=CALL_S)
    if not done:
        raise Unavailable("The portal took too long to answer. Try again.")
    return running.result()


async def _sent(feed: Feed[Any]) -> AsyncGenerator[bytes]:
    while True:
        batch = await feed.take(KEEP_ALIVE_S)
        if not batch:
            yield KEEP_ALIVE
        for event in batch:
            if event is None:
                return
            if isinstance(event, Failed):
                yield sse({"error": write_error(_known(event.error))})
                return
            yield sse(event)


def _known(problem: Exception) -> PortalError:
    """Return an error that may be shown. An unexpected error is logged and replaced by a general sentence."""
    if isinstance(problem, PortalError):
        return problem
    log.error("a call of the internal API failed", exc_info=problem)
    return Unavailable(UNEXPECTED, code=error_code())


def _stream(sent: AsyncGenerator[bytes], leave: Callable[[], None], portal: Portal, token: str | None) -> EventStream:
    """Return the events as a response that ends when the session ends. The last event then says why."""
    cutoff = Cutoff(portal.session_watch, token or "")
    return EventStream(sent, leave, cutoff, lambda reason: sse({"error": write_error(reason)}))


def _token(request: Request) -> str | None:
    return request.headers.get(SESSION_HEADER)


def _framed(message: Message) -> Response:
    if message.blobs:
        return StreamingResponse(frames.parts(message), media_type=frames.MEDIA_TYPE)
    return Response(b"".join(frames.parts(message)), media_type=frames.MEDIA_TYPE)


def _whole(status: int, data: Any) -> Response:
    return Response(b"".join(frames.parts(Message(data))), status, media_type=frames.MEDIA_TYPE)


def _failed(problem: PortalError) -> Response:
    return _whole(problem.status, write_error(problem))


def _running(portal: Portal, user: User, turn_id: str) -> LiveTurn | None:
    return portal.turns.find(user, turn_id) or portal.temporary.find(user, turn_id)


def _message(body: bytes, called: str) -> Message:
    try:
        return frames.read(body)
    except ValueError as problem:
        raise _unreadable(called) from problem


def _unreadable(called: str) -> InvalidInput:
    return InvalidInput("The internal API cannot read this call of {method}. Both servers must run the same release.", method=called)
