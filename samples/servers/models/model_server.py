"""A server of OpenAI's protocol that answers well, or misbehaves on purpose; also Ollama's and Xinference's protocols.

Ollama's routes follow docs/api.md of Ollama, Xinference's model list its REST documentation: the real servers are too large for a test.
Each behaviour is described in its function.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
WORDS = ["Good", " morning", ", 世界", "!"]
ANSWER = "".join(WORDS)


def chunk(delta: Body | None = None, finish: str | None = None, **more: object) -> bytes:
    """Return one event of a stream."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    event = {"id": "x", "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}
DONE = b"data: [DONE]\n\n"


def fine() -> Iterator[bytes]:
    yield chunk({"role": "assistant", "content": ""})
    for word in WORDS:
        yield chunk({"content": word})
    yield chunk({}, "stop")
    yield chunk(None, usage=USAGE)
    yield DONE


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of these tests hang up."""


class ModelServer:
    """Set `behave` to change what chats get. It counts, and keeps what it was asked."""

    def __init__(self, models: tuple[str, ...] = ("glm-4.7", "bge-m3"), kind: str = "openai", port: int = 0) -> None:
        self.models = list(models)
        self.kind = kind
        self.behave: Callable[[Handler], None] = stream(fine)
        self.asked: list[tuple[str, Body]] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()
        """Whether a client left in the middle of a stream."""
        self.running = 0
        self.most_running = 0
        self.lock = threading.Lock()
        owner = self

        class Bound(Handler):
            server_of_tests = owner

        self._server = Server(("127.0.0.1", port), Bound)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}" + ("" if kind == "ollama" else "/v1")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def chats(self) -> list[Body]:
        return [body for path, body in self.asked if path.endswith(("/chat/completions", "/api/chat"))]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of_tests: ModelServer
    body: Body

    def do_GET(self) -> None:
        owner = self.server_of_tests
        owner.asked.append((self.path, {}))
        owner.headers.append(dict(self.headers.items()))
        if self.path.endswith("/models"):
            self.json({"object": "list", "data": [self._listed(name) for name in owner.models]})
        elif self.path == "/api/tags":
            self.json({"models": [{"name": name, "model": name, "size": 1} for name in owner.models]})
        elif self.path == "/api/ps":
            self.json({"models": [{"name": owner.models[0]}]})
        else:
            self.json({"error": {"message": "not found"}}, 404)

    def do_POST(self) -> None:
        owner = self.server_of_tests
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner.asked.append((self.path, self.body))
        owner.headers.append(dict(self.headers.items()))
        with owner.lock:
            owner.running += 1
            owner.most_running = max(owner.most_running, owner.running)
        try:
            self._post(owner)
        except (BrokenPipeError, ConnectionResetError):
            owner.hung_up.set()
            self.close_connection = True
        finally:
            with owner.lock:
                owner.running -= 1

    def _post(self, owner: ModelServer) -> None:
        if self.path.endswith(("/chat/completions", "/api/chat")):
            owner.behave(self)
        elif self.path.endswith("/embeddings"):
            rows = [{"object": "embedding", "index": n, "embedding": vector(text)} for n, text in enumerate(self.body["input"])]
            self.json({"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}})
        elif self.path.endswith("/rerank"):
            documents = self.body["documents"]
            results = [{"index": n, "relevance_score": 0.9 if self.body["query"] in text else 0.1} for n, text in enumerate(documents)]
            self.json({"id": "r", "results": results[::-1], "usage": {"total_tokens": 9}})
        elif self.path == "/api/show":
            embeds = "embed" in self.body["model"]
            self.json({
                "capabilities": ["embedding"] if embeds else ["completion", "tools", "thinking"],
                "model_info": {"general.architecture": "glm4", "glm4.context_length": 8192},
            })  # fmt: skip
        elif self.path == "/api/embed":
            self.json({"embeddings": [vector(text) for text in self.body["input"]], "prompt_eval_count": 5})
        else:
            self.json({"error": {"message": "not found"}}, 404)

    def _listed(self, name: str) -> Body:
        if self.server_of_tests.kind == "xinference":
            rerank, embed = "rerank" in name, name.startswith("bge-m3")
            kind = "rerank" if rerank else "embedding" if embed else "LLM"
            entry = {"id": name, "object": "model", "owned_by": "xinference", "model_type": kind, "model_name": name}
            return entry | ({"context_length": 16384, "model_ability": ["chat", "tools"]} if kind == "LLM" else {})
        return {"id": name, "object": "model", "owned_by": "tests", "max_model_len": 4096}

    def json(self, body: object, status: int = 200, **headers: str) -> None:
        self.whole(json.dumps(body).encode(), "application/json", status, **headers)

    def whole(self, content: bytes, content_type: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def begin(self, content_type: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def part(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def vector(text: object) -> list[float]:
    return [float(len(str(text))), 3.0, 4.0]


Behaviour = Callable[[Handler], None]


def stream(events: Callable[[], Iterator[bytes]], *, content_type: str = "text/event-stream", ends: bool = True) -> Behaviour:
    """Send these events. ends: with the end of the chunked body; else the connection is cut."""

    def behave(handler: Handler) -> None:
        handler.begin(content_type)
        for event in events():
            handler.part(event)
        if ends:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.close_connection = True

    return behave


def bytewise(handler: Handler) -> None:
    """Send each byte in a packet of its own: characters, tags and events are cut everywhere."""
    handler.begin()
    for byte in b"".join(fine()):
        handler.part(bytes([byte]))
    handler.wfile.write(b"0\r\n\r\n")


def whole(handler: Handler) -> None:
    """Answer in one piece, although a stream was asked for."""
    message = {"role": "assistant", "content": ANSWER}
    handler.json({"choices": [{"message": message, "finish_reason": "length"}], "usage": USAGE})


def slow(seconds: float, then: Behaviour | None = None) -> Behaviour:
    """Say nothing for a while before the first token."""

    def behave(handler: Handler) -> None:
        time.sleep(seconds)
        (then or stream(fine))(handler)

    return behave


def held(gate: threading.Event) -> Behaviour:
    """Answer once the gate is open."""

    def behave(handler: Handler) -> None:
        gate.wait(60)
        stream(fine)(handler)

    return behave


def pinging(handler: Handler) -> None:
    """Send comments that keep the connection alive, and never a token."""
    handler.begin()
    for _ in range(3_000):
        handler.part(b": still here\n\n")
        time.sleep(0.02)


def endless(handler: Handler) -> None:
    """Send events without an end."""
    handler.begin()
    for _ in range(30_000):
        handler.part(chunk({"content": "on and "}))
        time.sleep(0.002)


def stuck(handler: Handler) -> None:
    """Send two words and then nothing, with the connection open."""
    handler.begin()
    handler.part(chunk({"content": "Good"}))
    handler.part(chunk({"content": " morning"}))
    handler.server_of_tests.hung_up.wait(60)


def page(status: int) -> Behaviour:
    """Send a web page, as proxies do."""
    return lambda handler: handler.whole(b"<!DOCTYPE html><html><body><h1>Bad gateway</h1> secret-host</body></html>", "text/html", status)


def refusing(status: int, body: object, **headers: str) -> Behaviour:
    return lambda handler: handler.json(body, status, **headers)


def ollama_chat(handler: Handler) -> None:
    """Answer as Ollama does: a JSON object a line."""
    lines: list[Body] = []
    if handler.body.get("think"):
        lines.append({"message": {"role": "assistant", "content": "", "thinking": "Let me see."}, "done": False})
    if handler.body.get("tools"):
        call = {"function": {"name": "weather", "arguments": {"city": "北京"}}}
        lines.append({"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False})
    lines += [{"message": {"role": "assistant", "content": word}, "done": False} for word in WORDS]
    lines.append({"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 4})
    handler.begin("application/x-ndjson")
    for line in lines:
        handler.part(json.dumps({"model": handler.body["model"], **line}, ensure_ascii=False).encode() + b"\n")
    handler.wfile.write(b"0\r\n\r\n")
