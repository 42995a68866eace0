"""Start a portal process for a measurement: empty home, free port, the built-in guide."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

import settings
from bench.portal_parts.tls import TLS
from samples.servers.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "bench password 1"


@dataclass(frozen=True)
class Measured:
    """A running portal. ready_s: from starting the process until /readyz answered 200."""

    url: str
    process: subprocess.Popen[bytes]
    home: Path
    ready_s: float
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Header values of the sessions that `get` uses, by name."""

    def sign_in(self, name: str = "admin") -> httpx.Client:
        """Return a client with this person's token; the caller closes it."""
        with httpx.Client(verify=TLS, base_url=self.url, timeout=60) as channel:
            token = channel.post("/api/v1/session", json={"username": name, "password": PASSWORD}).raise_for_status().json()["token"]
        return httpx.Client(verify=TLS, base_url=self.url, timeout=120, headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, name: str = "admin") -> Any:
        """Return the response to a GET of `path` by this person.

        Everybody is signed in once, because hashing a password takes longer than most requests.
        """
        answer = self._get(path, name)
        if answer.status_code == 401:  # The session has ended.
            del self.tokens[name]
            answer = self._get(path, name)
        return answer.raise_for_status().json()

    def _get(self, path: str, name: str) -> httpx.Response:
        if name not in self.tokens:
            with self.sign_in(name) as client:
                self.tokens[name] = client.headers["Authorization"]
        return httpx.get(f"{self.url}{path}", verify=TLS, timeout=120, headers={"Authorization": self.tokens[name]})

    def add_people(self, names: Sequence[str]) -> None:
        with self.sign_in() as admin:
            for name in names:
                body = {"name": name, "role": "analyst", "password": PASSWORD}
                admin.post("/api/v1/people", json=body).raise_for_status()


@contextlib.contextmanager
def running_portal(
    home: Path | None = None, *, start_s: float = 180, module: Sequence[str] = ("cli.serving.serve",), **extra: str
) -> Iterator[Measured]:
    """Run a portal. start_s: most seconds until it is ready. module: the server's module, with its arguments. extra: settings, by their
    variables' names."""
    with contextlib.ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        port = free_port()
        # Generating titles would add answers that nobody measures.
        own = {"PORTAL_HOME": str(folder), "PORTAL_PORT": str(port), "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_MODEL_TITLES": "false"}
        environment = {**os.environ, **own, **extra}
        log = stack.enter_context((folder / "bench.log").open("wb"))
        started = time.perf_counter()
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_ready(url, process, folder / "bench.log", start_s)
            yield Measured(url=url, process=process, home=folder, ready_s=time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def portal_home() -> Path:
    """Return the home of the installation that runs the bench."""
    return settings.load().home


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Wait until /readyz answers 200. Raises RuntimeError with the end of the log if the process ends before, or after `seconds`."""
    deadline = time.perf_counter() + seconds
    # Use one client: a new one takes 30 ms of the processor that the portal needs.
    with httpx.Client(verify=TLS, timeout=2) as client:
        while time.perf_counter() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"The portal ended before it was ready:\n{log.read_text('utf-8')[-2000:]}")
            with contextlib.suppress(httpx.HTTPError, ValueError):
                answer = client.get(f"{url}/readyz")
                if answer.status_code == 200 and answer.json().get("ready", True):
                    return
            time.sleep(0.02)
    raise RuntimeError(f"The portal was not ready after {seconds:.0f} s:\n{log.read_text('utf-8')[-2000:]}")


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, with the first column aligned left and the others right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    print(f"\n{title}\n")
    for row in [cells[0], rule, *cells[1:]]:
        edge = ":" if row is rule else " "
        first, *others = zip(row, widths, strict=True)
        print(f"|{edge}{first[0].ljust(first[1])} |" + "".join(f" {cell.rjust(width)}{edge}|" for cell, width in others))


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def processor_s(portal: Measured) -> float:
    """Return the processor time that the portal has used so far, in seconds."""
    fields = Path(f"/proc/{portal.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
