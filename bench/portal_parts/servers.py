"""Run servers that are killed and restarted on the same port: an admin server, user servers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.portal_parts.portal import PASSWORD, ROOT, Measured, wait_ready
from samples.servers.ports import free_port

SITE = ROOT / "deploy/servers/nginx.conf"
KEY = "a-service-key-of-the-measurements-01"


class Server:
    """One server with its own home and port. `kill` ends it as a crash does."""

    def __init__(self, home: Path, *, module: Sequence[str] = ("cli.serving.serve",), port: int = 0, **extra: str) -> None:
        """extra: settings, by their variables' names."""
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.key = KEY
        self.port = port or free_port()
        self._command = [sys.executable, "-m", *module]
        self._settings = {
            "PORTAL_HOME": str(home), "PORTAL_PORT": str(self.port), "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_MODEL_TITLES": "false",
            "PORTAL_SERVICE_KEYS": KEY, **extra,
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server has not been started"
        return self._process

    @property
    def measured(self) -> Measured:
        return Measured(url=self.url, process=self.process, home=self.home, ready_s=0.0)

    def start(self, start_s: float = 180) -> float:
        """Start it and wait until it is ready; return the seconds that this took."""
        began = time.perf_counter()
        with (self.home / "bench.log").open("ab") as log:
            environment = {**os.environ, **self._settings}
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        wait_ready(self.url, self._process, self.home / "bench.log", start_s)
        return time.perf_counter() - began

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def site_of(admin: Server, users: Sequence[Server]) -> tuple[str, dict[str, str]]:
    """Return deploy/servers/nginx.conf for at least two user servers, and the texts to replace in it: the arguments of Nginx."""
    text = SITE.read_text("utf-8")
    for number in range(3, len(users) + 1):
        text = _with_user_server(text, number)
    addresses = {"172.30.21.10:7860": admin.address}
    addresses |= {f"172.30.21.{10 + number}:7861": user.address for number, user in enumerate(users, 1)}
    in_maps = {old.replace(".", r"\."): new.replace(".", r"\.") for old, new in addresses.items() if "7861" in old}
    return text, {**in_maps, **addresses, "admin.portal.example": "localhost", "portal.example": "127.0.0.1"}


def _with_user_server(text: str, number: int) -> str:
    """Add a user server as docs/servers.md says: its group, a line in user_servers, and a line in both maps."""
    last, new = f"172.30.21.{9 + number}:7861", f"172.30.21.{10 + number}:7861"
    others = re.findall(r"server (172\.30\.21\.\d+:7861) max_fails=1", text[: text.index("keepalive")])
    group = re.search(rf"upstream user_server_{number - 1} \{{.*?\n\}}\n\n", text, re.DOTALL)
    assert group is not None and last in others
    backups = "".join(f"    server {each} backup;\n" for each in others)
    made = re.sub(r"(    server .*backup;\n)+", backups, group[0].replace(last, new)).replace(f"server_{number - 1}", f"server_{number}")
    text = re.sub(r"((?:    server .*backup;\n)+)", rf"\1    server {new} backup;\n", text)
    line = f"    server {last} max_fails=1 fail_timeout=2s;\n"
    text = text.replace(line, line + line.replace(last, new), 1)
    text = text.replace("upstream admin_server", made + "upstream admin_server")
    for old in re.findall(rf"^.*portal_server={number - 1};.*\n|^    {number - 1}       user_server_{number - 1};\n", text, re.MULTILINE):
        added = old.replace(last.replace(".", r"\."), new.replace(".", r"\.")).replace(f"={number - 1};", f"={number};")
        added = added.replace(f"    {number - 1}  ", f"    {number}  ").replace(f"server_{number - 1};", f"server_{number};")
        text = text.replace(old, old + added)
    return text


def user_server(home: Path, *admins: Server, **extra: str) -> Server:
    return Server(home, port=0, PORTAL_PROFILE="user", PORTAL_SERVER=",".join(admin.url for admin in admins), **extra)
