"""A hub on this machine that speaks the protocols of Hugging Face and ModelScope, and misbehaves as a test asks."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
BLOCK = 64 * 1024


@dataclass
class HubServer:
    """repositories: "owner/name" to its files. The rest is how it misbehaves."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    announced: dict[str, str] = field(default_factory=dict)
    """The SHA-256 to announce for a file instead of its own."""
    sizes: dict[str, int] = field(default_factory=dict)
    """The size to announce for a file instead of its own."""
    cuts: deque[int] = field(default_factory=deque)
    """Each next content is cut after so many bytes."""
    gate: threading.Event | None = None
    """Content stops at `hold_at` until this is set."""
    hold_at: int = 0
    private: set[str] = field(default_factory=set)
    token: str = "secret-token"
    redirects: bool = True
    """Whether Hugging Face's content comes from another address, as its CDN does."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of all requests."""
    ranges: list[int] = field(default_factory=list)
    """The offset at which each content began."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self) -> dict[str, str]:
        """Return the variables that make both clients ask this server."""
        direct = "127.0.0.1,localhost"
        return {"HF_ENDPOINT": self.url, "MODELSCOPE_ENDPOINT": self.url, "no_proxy": direct, "NO_PROXY": direct}

    def sha256(self, name: str, content: bytes) -> str:
        return self.announced.get(name) or hashlib.sha256(content).hexdigest()


@contextmanager
def model_hub() -> Iterator[HubServer]:
    hub = HubServer()

    class Handler(_Handler):
        server_hub = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if hub.gate is not None:
            hub.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_hub: HubServer

    def log_message(self, *_args: Any) -> None:
        return None

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, address = self.server_hub, urlsplit(self.path)
        with hub.lock:
            hub.requests.append((self.command, self.path))
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if parts[:3] == ["api", "v1", "models"] and len(parts) >= 6:
            self._modelscope("/".join(parts[3:5]), parts[5:], query)
        elif parts[:2] == ["api", "models"] and len(parts) >= 4:
            self._hugging_face_listing("/".join(parts[2:4]))
        elif len(parts) > 4 and parts[2] == "resolve":
            self._hugging_face_file("/".join(parts[:2]), "/".join(parts[4:]))
        elif parts[0] == "cdn":
            self._content("/".join(parts[1:3]), "/".join(parts[3:]))
        else:
            self._json(404, {"error": "Not Found"})

    def _allowed(self, repository: str) -> bool:
        hub = self.server_hub
        carried = self.headers.get("Authorization", "") + self.headers.get("Cookie", "")
        if repository in hub.private and hub.token not in carried:
            gated = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this repository is restricted."}
            self._json(403, {"error": "gated", "Code": 403, "Message": "restricted", "Success": False}, gated)
            return False
        if repository not in hub.repositories:
            missing = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            self._json(404, {"error": "Repository not found", "Code": 404, "Message": "not found", "Success": False}, missing)
            return False
        return True

    def _size(self, name: str, content: bytes) -> int:
        return self.server_hub.sizes.get(name, len(content))

    def _hugging_face_listing(self, repository: str) -> None:
        if not self._allowed(repository):
            return
        hub = self.server_hub
        siblings = [
            {"rfilename": name, "size": self._size(name, content), "blobId": "b" * 40,
             "lfs": {"sha256": hub.sha256(name, content), "size": self._size(name, content), "pointerSize": 135}}
            for name, content in hub.repositories[repository].items()
        ]  # fmt: skip
        self._json(200, {"_id": "1", "id": repository, "modelId": repository, "sha": COMMIT, "private": False, "siblings": siblings})

    def _hugging_face_file(self, repository: str, name: str) -> None:
        hub = self.server_hub
        if not self._allowed(repository):
            return
        content = hub.repositories[repository].get(name)
        if content is None:
            self._json(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        linked = {
            "X-Repo-Commit": COMMIT, "X-Linked-Etag": f'"{hub.sha256(name, content)}"', "X-Linked-Size": str(self._size(name, content)),
        }  # fmt: skip
        if hub.redirects:
            self._json(302, {}, {**linked, "Location": f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/{repository}/{quote(name)}"})
        else:
            self._content(repository, name, linked)

    def _modelscope(self, repository: str, rest: list[str], query: dict[str, str]) -> None:
        hub = self.server_hub
        if not self._allowed(repository):
            return
        if rest == ["repo", "files"]:
            files = [
                {"Path": name, "Name": name.rpartition("/")[2], "Size": self._size(name, content), "Sha256": hub.sha256(name, content),
                 "Type": "blob", "Revision": "master"}
                for name, content in hub.repositories[repository].items()
            ]  # fmt: skip
            self._json(200, {"Code": 200, "Success": True, "Message": "", "Data": {"Files": files}})
        elif rest == ["repo"] and query.get("FilePath") in hub.repositories[repository]:
            self._content(repository, query["FilePath"])
        else:
            self._json(404, {"Code": 404, "Success": False, "Message": "not found"})

    def _content(self, repository: str, name: str, headers: dict[str, str] | None = None) -> None:
        hub = self.server_hub
        content = hub.repositories[repository][name]
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hub.sha256(name, content)}"')
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with hub.lock:
            hub.ranges.append(start)
            cut = hub.cuts.popleft() if hub.cuts else None
        end = len(content) if cut is None else min(len(content), start + cut)
        try:
            for offset in range(start, end, BLOCK):
                if hub.gate is not None and offset >= hub.hold_at:
                    self.wfile.flush()
                    hub.gate.wait(60)
                self.wfile.write(content[offset : min(offset + BLOCK, end)])
            if end < len(content):
                time.sleep(0.02)
                self.close_connection = True
                self.connection.close()
        except OSError:
            self.close_connection = True

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(written)
