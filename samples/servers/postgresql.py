"""Run a PostgreSQL server from the system's package, in its own folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg

from samples.servers.missing import missing
from samples.servers.ports import free_port


class PostgresServer:
    """One server on 127.0.0.1. Makes databases; `kill()` ends it as a crash would, `start()` brings it back."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
        if not programs:
            missing("PostgreSQL is not installed: apt install postgresql")
        self._programs = programs[-1]
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="portal-postgresql-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.template: str | None = None
        """The URL of a migrated database to copy, once there is one."""
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        with (self.folder / "initdb.log").open("wb") as log:
            arguments = ["initdb", "-D", str(self.folder / "data"), "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
            subprocess.run(self._unprivileged(arguments), stdout=log, stderr=log, check=True, cwd=self.folder)

    def start(self, *more: str) -> None:
        """more: settings of the server, which go before those of the tests."""
        arguments = ["postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port)]
        settings = [word for each in ("fsync=off", "max_connections=120", "shared_buffers=32MB", *more) for word in ("-c", each)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self._unprivileged(arguments + settings), stdout=log, stderr=log, cwd=self.folder)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._address("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """At once, without a word to its clients."""
        if self._process is not None:
            postmaster = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(postmaster, 3)  # SIGQUIT: immediate shutdown, which also ends the server's children
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, like: str | None = None) -> str:
        """Makes an empty database, or a copy of one that nobody is connected to; returns its URL."""
        name = f"portal_{uuid4().hex[:12]}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            # Copying the files takes half the time of writing them to the log, which matters for a database of a few megabytes.
            copied = f" TEMPLATE {like.rpartition('/')[2]} STRATEGY FILE_COPY" if like else ""
            connection.execute(f"CREATE DATABASE {name}{copied}".encode())
        return self._address(name)

    def drop_database(self, url: str) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)".encode())

    def _address(self, database: str) -> str:
        return f"postgresql://portal@127.0.0.1:{self.port}/{database}"

    def _unprivileged(self, arguments: list[str]) -> list[str]:
        """Return the command as another user: the server refuses to run as root."""
        command = [str(self._programs / arguments[0]), *arguments[1:]]
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
