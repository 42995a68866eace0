"""What the Elasticsearch adapter says of servers it cannot use. How it works with a real one: tests/functional/test_store_search.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.entities import SearchQuery
from core.errors import Unavailable
from data.search.elasticsearch_index import ElasticsearchIndex
from tests.servers.ports import free_port

Serve = Callable[[int, str, dict[str, str]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers everything with one status, version and headers; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, version: str, headers: dict[str, str]) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"version": {"number": version}}).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://portal:secret@127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "version", "headers", "sentence"),
    [
        (200, "2.11.0", {}, "is not Elasticsearch"),
        (200, "8.19.0", {"X-Elastic-Product": "Elasticsearch"}, "is version 8.19.0; the portal needs 9"),
        (401, "9.5.3", {"X-Elastic-Product": "Elasticsearch"}, "refused the API key or password"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_in_one_sentence_without_its_password(
    serve: Serve, status: int, version: str, headers: dict[str, str], sentence: str
) -> None:
    index = ElasticsearchIndex(serve(status, version, headers))
    with pytest.raises(Unavailable, match=sentence) as caught:
        index.prepare()
    assert "secret" not in str(caught.value)
    index.close()


def test_a_server_that_is_not_there_makes_search_unavailable() -> None:
    index = ElasticsearchIndex(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="does not answer"):
        index.search(SearchQuery("bond", "message", "ana"))
    index.close()
