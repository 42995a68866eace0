"""Webhooks go to a real server, with what was signed, and never to addresses that are not for the portal."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.errors import InvalidInput, Unavailable
from models.platforms.remote.webhooks import HttpWebhooks
from samples.servers.ports import free_port


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 204
        self.got: list[tuple[str, bytes, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body, dict(self.headers)))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(receiver: Receiver, path: str = "/hooks/x?key=1") -> str:
    return f"http://127.0.0.1:{receiver.server_address[1]}{path}"


def test_a_message_arrives_whole_with_its_signature(receiver: Receiver) -> None:
    HttpWebhooks().post("Pager", address(receiver), '{"警": 1}'.encode(), {"X-Portal-Signature": "sha256=ab"})
    [(path, body, headers)] = receiver.got
    assert path == "/hooks/x?key=1" and body == '{"警": 1}'.encode()
    assert headers["X-Portal-Signature"] == "sha256=ab" and headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "error"), [(500, Unavailable), (503, Unavailable), (429, Unavailable), (404, InvalidInput), (302, InvalidInput)]
)
def test_a_status_says_whether_to_try_again_and_redirects_are_not_followed(
    receiver: Receiver, status: int, error: type[Exception]
) -> None:
    receiver.status = status
    with pytest.raises(error, match=f"Pager .*{status}"):
        HttpWebhooks().post("Pager", address(receiver), b"{}", {})
    assert len(receiver.got) == 1


def test_a_server_that_is_gone_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="Pager cannot be reached"):
        HttpWebhooks().post("Pager", f"http://127.0.0.1:{free_port()}/", b"{}", {})


def test_a_name_that_leads_to_metadata_is_refused_when_it_is_used() -> None:
    turned = HttpWebhooks(lambda host, port: [(socket.AF_INET, "169.254.169.254")])
    turned.check("https://pager.example/x")
    with pytest.raises(Unavailable, match="not allowed"):
        turned.post("Pager", "https://pager.example/x", b"{}", {})


@pytest.mark.parametrize(
    "address",
    [
        "", "pager.example", "ftp://pager.example", "file:///etc/passwd", "https://", "https://user:secret@pager.example",
        "https://pager.example:99999/", "https://pager.example/\r\nHost: other", "https://pager.example/a b", "https://[::1",
        "http://169.254.169.254/latest", "http://[fe80::1]/", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_an_address_that_can_never_be_posted_to_is_refused_at_once(address: str) -> None:
    with pytest.raises(InvalidInput):
        HttpWebhooks().check(address)
