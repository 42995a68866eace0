from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.releases.running import ask, run_command, started, wait_until_ready
from core.errors import StartFailed


@contextmanager
def answering(*codes: int) -> Iterator[str]:
    """Yield the address of a server that answers with these codes, the last one again and again."""
    left = list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()
            self.wfile.write(b'{"ready": false, "model": "loading"}')

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_portal_is_waited_for_until_it_is_ready() -> None:
    with answering(503, 503, 200) as address:
        wait_until_ready(address, 60)


def test_what_a_portal_that_is_not_ready_said_is_told() -> None:
    said = r'not ready within 1 s. It said: \{"ready": false, "model": "loading"\}'
    with answering(503) as address, pytest.raises(StartFailed, match=said):
        wait_until_ready(address, 1)


def test_a_portal_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "portal").write_text("import sys; print('no database'); sys.exit(3)")
    log = tmp_path / "upgrade.log"
    with started(tmp_path, log) as child, pytest.raises(StartFailed, match="ended with 3"):
        wait_until_ready("http://127.0.0.1:1", 60, child)
    assert log.read_text() == "no database\n"


def test_a_portal_that_was_started_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "portal").write_text("import time; time.sleep(600)")
    with started(tmp_path, tmp_path / "log") as child:
        assert child.poll() is None
    assert child.poll() is not None


def test_the_last_line_of_a_failed_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"The backup failed: The disk is full\."):
        ask(sys.executable, tmp_path, "-c", "print('a'); import sys; sys.exit('The disk is full.')", what="The backup")
    assert ask(sys.executable, tmp_path, "-c", "print('done')", what="The backup") == "done\n"


def test_a_command_of_the_operator_that_fails_is_named() -> None:
    run_command("true")
    with pytest.raises(StartFailed, match="exit 5 ended with 5"):
        run_command("exit 5")
