"""Run a detector that answers as a test asks, well or badly. The real one is text_detector."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class DetectorServer:
    """Set `answer` to change what a detection gets: a function from the request to status and body."""

    def __init__(self) -> None:
        self.version = "1"
        self.answer: Callable[[Body], tuple[int, object]] = self.one_box
        self.asked: list[Body] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(200, {"data": [{"id": "finder", "version": owner.version}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.asked.append(body)
                self._send(*owner.answer(body))

            def _send(self, status: int, body: object) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @staticmethod
    def one_box(body: Body) -> tuple[int, object]:
        """Return a box for each phrase, the same on every image, unless the phrase asks for nothing."""
        base64.b64decode(body["image"], validate=True)
        boxes = [
            {"phrase": number, "label": phrase, "box": [10, 20, 110, 90], "confidence": 0.9}
            for number, phrase in enumerate(body["phrases"])
            if phrase != "nothing"
        ]
        return 200, {"boxes": boxes}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def detector_server() -> Iterator[DetectorServer]:
    server = DetectorServer()
    try:
        yield server
    finally:
        server.close()
