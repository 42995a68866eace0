"""Run only background jobs: ./portal worker, inside the environment."""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

import settings as portal_settings
from api.background import answer_jobs
from bootstrap import process as portal_process
from bootstrap.portal import Portal
from cli.ending import ending
from cli.serving.log_files import write_logs
from cli.serving.serve import listen, only_portal
from core.errors import PortalError, StartFailed
from settings import Settings

log = logging.getLogger(__name__)

NEEDS_POSTGRESQL = (
    "A worker needs PostgreSQL: set PORTAL_DATABASE_URL to the portal's database. With SQLite, the portal runs all jobs itself."
)
POLL_S = 0.2


class Signals:
    """Records what SIGTERM and SIGINT asked for: the first signal ends the work in order, the second at once."""

    def __init__(self) -> None:
        self.stop = self.stop_now = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        # Plain values: a handler must not wait for the lock of an event that the main thread may hold.
        self.stop_now = self.stop or number == signal.SIGINT
        self.stop = True


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    return ending(lambda: _work(portal_settings.load(), asked.port))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./portal worker", description="Run background jobs; docs/servers.md.")
    parser.add_argument("--port", type=int, help="answer /healthz and /readyz on this port of PORTAL_HOST; default: on none")
    return parser


def _work(settings: Settings, port: int | None) -> int:
    if settings.embedded:
        raise StartFailed(NEEDS_POSTGRESQL)
    faulthandler.enable()
    signals = Signals()
    write_logs(settings)
    with only_portal(settings):
        try:
            portal = portal_process.start(settings, jobs_only=True)
            answer_jobs(portal)
            with _health(settings.host, port, lambda: _is_ready(portal, signals)):
                print("GLM Portal worker: running background jobs  (Ctrl+C stops it)", flush=True)
                while not signals.stop:
                    time.sleep(POLL_S)
                _finish(portal, settings.drain_s, signals)
        finally:
            portal_process.stop()
    print("Stopped.")
    return 0


def _finish(portal: Portal, seconds: float, signals: Signals) -> None:
    """Wait at most `seconds` for the jobs that no other server can continue."""
    log.info("stopping: jobs may finish for %.0f s", seconds)
    portal.drain()
    until = time.monotonic() + seconds
    while portal.job_worker.count() and time.monotonic() < until and not signals.stop_now:
        time.sleep(POLL_S)


def _is_ready(portal: Portal, signals: Signals) -> bool:
    try:
        portal.accounts.has_any()
    except PortalError:
        return False
    return not signals.stop


@contextmanager
def _health(host: str, port: int | None, is_ready: Callable[[], bool]) -> Iterator[None]:
    """Answer /healthz and /readyz on a separate thread; without a port, do nothing. Raises StartFailed."""
    if port is None:
        yield
        return

    class Health(BaseHTTPRequestHandler):
        server_version, sys_version = "portal", ""
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200, {"status": "ok"})
            elif self.path == "/readyz":
                ready = is_ready()
                self._answer(200 if ready else 503, {"ready": ready})
            else:
                self._answer(404, {"error": {"code": "not_found", "message": "A worker serves /healthz and /readyz only."}})

        def _answer(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing: probes come every few seconds."""

    listener = listen(host, port)
    server = ThreadingHTTPServer((host, port), Health, bind_and_activate=False)
    server.daemon_threads = True
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
