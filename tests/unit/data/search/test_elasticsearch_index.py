"""Errors of the Elasticsearch adapter for unusable servers. tests/store/test_search.py tests it with a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.errors import Unavailable
from core.search.records import SearchQuery
from data.search.elasticsearch import documents
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.elasticsearch.server import ElasticsearchServer
from data.search.elasticsearch.words import with_words
from samples.servers.ports import free_port

Answering = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
"""From path and body of a request to status and body of its answer."""
Serve = Callable[..., str]

ELASTIC = {"X-Elastic-Product": "Elasticsearch"}
TAGLINE = "You Know, for Search"
OLD_MEDIA_TYPE = {
    "error": {"type": "media_type_header_exception", "reason": "Invalid media-type value on headers [Accept]"},
    "status": 400,
}  # fmt: skip


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers as it is told; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(answering: Answering, headers: dict[str, str]) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, content = answering(self.path, json.loads(sent or "{}"))
                body = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http://portal:secret@127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "headers", "sentences"),
    [
        (200, {"version": {"number": "2.11.0", "distribution": "opensearch"}}, {}, ["is OpenSearch 2.11.0", "leave it empty"]),
        (200, {"version": {"number": "7.10.2"}, "tagline": TAGLINE}, {}, ["is version 7.10.2; the portal needs 9", "Upgrade it"]),
        (200, {"version": {"number": "8.19.0"}, "tagline": TAGLINE}, ELASTIC, ["is version 8.19.0; the portal needs 9"]),
        (400, OLD_MEDIA_TYPE, ELASTIC, ["is version 8 or older; the portal needs 9"]),
        (200, {"couchdb": "Welcome"}, {}, ["is something else, which is not Elasticsearch"]),
        (401, {}, ELASTIC, ["rejected the API key or password"]),
        (403, {}, ELASTIC, ["begin with glm-portal"]),
        (503, {}, ELASTIC, ["is not responding"]),
    ],
)
def test_a_server_that_cannot_be_used_is_named_in_one_sentence_without_its_password(
    serve: Serve, status: int, body: dict[str, Any], headers: dict[str, str], sentences: list[str]
) -> None:
    index = ElasticsearchIndex(serve(lambda _path, _body: (status, body), headers))
    with pytest.raises(Unavailable) as caught:
        index.prepare()
    assert [each for each in sentences if each not in str(caught.value)] == []
    assert "secret" not in str(caught.value)
    index.close()


@pytest.mark.parametrize(
    ("installed", "used"),
    [
        ({"icu_tokenizer", "smartcn_tokenizer"}, "icu_tokenizer"),
        ({"smartcn_tokenizer"}, "smartcn_tokenizer"),
        (set(), None),
    ],
)
def test_a_plugin_that_knows_chinese_words_is_used_where_it_is_installed(serve: Serve, installed: set[str], used: str | None) -> None:
    def analyze(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert path == "/_analyze"
        if body["tokenizer"] in installed:
            return 200, {"tokens": [{"token": "检索"}]}
        return 400, {"error": {"type": "illegal_argument_exception", "reason": "failed to find global tokenizer"}, "status": 400}

    server = ElasticsearchServer(serve(analyze, ELASTIC))
    settings, mappings = with_words(server, documents.SETTINGS, documents.MAPPINGS)
    server.close()
    fields, analyzers = mappings["properties"]["text"].get("fields", {}), settings["analysis"]["analyzer"]
    assert fields.get("words") == ({"type": "text", "analyzer": "words"} if used else None)
    assert analyzers.get("words", {}).get("tokenizer") == used
    assert "fields" not in documents.MAPPINGS["properties"]["text"]  # type: ignore[index]


def test_a_server_that_is_not_there_makes_search_unavailable() -> None:
    index = ElasticsearchIndex(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="is not responding"):
        index.search(SearchQuery("bond", "message", "ana"))
    index.close()
