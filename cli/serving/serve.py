"""Serve the portal until it is stopped. Runs inside the environment: `./portal run`."""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import fcntl
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import uvicorn

import settings as portal_settings
from bootstrap import process as portal_process
from bootstrap.servers.profiles import profile_of
from cli.environment.fixes import failed
from cli.serving.body_writes import BodyWrites
from cli.serving.connection_limits import OpenConnections, most_connections, raise_descriptor_limit
from cli.serving.connections import protocols
from cli.serving.heap import use_few_arenas
from cli.serving.log_files import write_logs
from core.errors import PortalError, StartFailed
from settings import Settings

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from api.draining import Draining
    from bootstrap.portal import Portal

GRACE_S = 3
"""Seconds that a stop waits for open requests before it closes them."""
KEEP_ALIVE_S = 15
"""Seconds that an idle connection stays open: longer than clients and nginx keep theirs, so that none sends a request while it closes."""
POLL_S = 0.1
HOME_TAKEN = "Another portal is using the folder {home}. Stop it, or set PORTAL_HOME to another folder."
SECOND_REPLICA = (
    "Another portal is using the folder {home}. Stop it, or set PORTAL_HOME to another folder. Several replicas of one portal need "
    "PostgreSQL: set PORTAL_DATABASE_URL, and a PORTAL_HOME for each."
)


def main() -> int:
    faulthandler.enable()
    use_few_arenas()
    # A start makes hundreds of thousands of objects that stay. Collecting garbage took a fifth of its time; app.settle() enables it.
    gc.disable()
    # requests silences this when it is imported, but any other thread that restores its own filters meanwhile undoes that.
    warnings.filterwarnings("ignore", message="SOCKS support in urllib3")
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = portal_settings.load()
        write_logs(settings)
        with only_portal(settings), listen(settings.host, settings.port) as listener:
            try:
                _serve(settings, listener)
            finally:
                if not portal_process.stop():
                    # The interpreter's own exit would wait for that thread, or free memory that it uses.
                    logging.shutdown()
                    os._exit(0)
    except PortalError as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as problem:
        print(failed(problem), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.")
    return 0


def _serve(settings: Settings, listener: socket.socket) -> None:
    open_connections = OpenConnections(settings.connections_per_address, most_connections(raise_descriptor_limit()), settings.proxies)
    portal = _start(settings)
    from app import (  # Imported here: the doctor, which asks this module about ports, needs no pages.
        app,
        draining,
        load_own_pages,
        settle,
    )

    if settings.pages:
        load_own_pages()  # Load them now, so that a missing page stops the start.

    http, websocket = protocols(open_connections)
    config = uvicorn.Config(
        BodyWrites(app),
        http=http,
        ws=websocket,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    remote = profile_of(settings).remote
    drain = None if remote or not settings.drain_s else Drain(portal, draining, settings.drain_s, settings.drain_notice_seconds)
    _Server(config, address(settings), settle, portal.stopping, drain).run(sockets=[listener])


def _start(settings: Settings) -> Portal:
    """Start the portal of this process, with its models if it has any."""
    if profile_of(settings).remote:
        return portal_process.start(settings)
    # Imported here: a user server must not load them.
    from bootstrap.startup import FIRST_ADMIN, ensure_first_admin, load_models, lower_priority

    # First, so that everything started later inherits both.
    lower_priority()
    portal = portal_process.start(settings)
    password = ensure_first_admin(portal)
    if password:
        # Printed before the server is up: this is the only time it is shown.
        print(f"First admin: name {FIRST_ADMIN}, password {password}  (shown only now; change it under your name)", flush=True)
    load_models(portal)
    return portal


class Drain:
    """Lets answers, requests and jobs finish before the server stops."""

    def __init__(self, portal: Portal, draining: Draining, seconds: float, notice: float) -> None:
        """seconds: the longest time. notice: seconds for which requests are still accepted while /readyz answers 503."""
        self._portal = portal
        self._draining = draining
        self._seconds = seconds
        self._notice = notice

    async def finished(self, cut_short: Callable[[], bool]) -> None:
        """Return once nothing is left to finish, the time is over, or hurried() says so."""
        log.info("stopping: answers and requests may finish for %.0f s", self._seconds)
        self._draining.begin()
        until = time.monotonic() + self._notice
        while time.monotonic() < until and not cut_short():
            await asyncio.sleep(POLL_S)
        self._draining.refuse()
        self._portal.drain()
        until = time.monotonic() + self._seconds
        while (self._draining.requests or self._portal.working()) and time.monotonic() < until and not cut_short():
            await asyncio.sleep(POLL_S)


class _Server(uvicorn.Server):
    """Announces the address once it can be opened."""

    def __init__(
        self,
        config: uvicorn.Config,
        address: str,
        after_start: Callable[[], None],
        stopping: Callable[[], None],
        drain: Drain | None,
    ) -> None:
        """after_start: work to do once the server is up. stopping: tells open streams that the server ends, before it waits for them.

        drain: what SIGTERM waits for first; None: nothing.
        """
        super().__init__(config)
        self._drain = drain
        self._drain_requested = self._cut_short = False
        self._address = address
        self._after_start = after_start
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"GLM Portal: {self._address}  (Ctrl+C stops it)", flush=True)
            threading.Thread(target=self._after_start, name="settle", daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit or sig != signal.SIGTERM:
            self._cut_short = True
        else:
            self._drain_requested = True
        super().handle_exit(sig, frame)

    async def main_loop(self) -> None:
        await super().main_loop()
        if self._drain_requested and self._drain is not None:
            await self._drain.finished(lambda: self._cut_short)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets=sockets)


def address(settings: Settings) -> str:
    """Return the address to open in a browser on this machine."""
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises StartFailed."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as problem:
        raise StartFailed("PORTAL_HOST {host} is not an address of this machine. 127.0.0.1 and 0.0.0.0 always are.", host=host) from problem
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(2048)
    except OSError as problem:
        listener.close()
        raise _why_not(host, port, problem) from problem
    return listener


def _why_not(host: str, port: int, problem: OSError) -> StartFailed:
    if problem.errno == errno.EADDRINUSE:
        port_in_use = "Port {port} on {host} is used by another program. Stop that program, or set PORTAL_PORT to a free port."
        return StartFailed(port_in_use, host=host, port=port)
    if problem.errno in (errno.EACCES, errno.EPERM):
        return StartFailed("This user may not listen on port {port}. Set PORTAL_PORT to a port above 1023.", port=port)
    if problem.errno == errno.EADDRNOTAVAIL:
        return StartFailed("PORTAL_HOST {host} is not an address of this machine. 127.0.0.1 and 0.0.0.0 always are.", host=host)
    return StartFailed("Listening on {host}, port {port} failed: {reason}.", host=host, port=port, reason=problem.strerror)


@contextmanager
def only_portal(settings: Settings) -> Iterator[None]:
    """Let only one process use a home. Each replica has its own: jobs, downloads and backups belong to the server that its home names."""
    path = settings.home / "portal.lock"
    with _open_lock(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise StartFailed(
                SECOND_REPLICA if settings.embedded else HOME_TAKEN, home=settings.home
            ) from problem
        yield


@contextmanager
def _open_lock(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StartFailed(
            "The folder {home} cannot be written ({reason}). Free some space, change its permissions, or set PORTAL_HOME to another "
            "folder.",
            home=path.parent,
            reason=problem.strerror,
        ) from problem
    try:
        yield opened
    finally:
        os.close(opened)


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process on SIGTERM before the server is up or after it shut down, in the same way as after an error."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
