"""Start and end one run of a model's process, and exchange messages with it."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from models.child.wire import Channel, Message
from models.plain_words import plain_reason, without_codes

_ROOT = Path(__file__).parents[2]
_LOGGED = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) (\S+): (.*)")
_KEPT_LINES = 200
END_S = 5.0


class ModelProcess:
    """Start it on a thread that lives as long as the process should: the kernel ends the process with that thread."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(f"model {name}")
        ours, theirs = socket.socketpair()
        # It needs none of the portal's secrets.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "models.child.host", str(theirs.fileno())],
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
            )
        self._channel = Channel(ours)
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, name=f"log of {name}", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, message: Message) -> None:
        """Send a message. Raises OSError if the process is gone."""
        self._channel.send(message)

    def receive(self) -> Message | None:
        """Return the next message; None once the process is gone. Raises ValueError for anything else."""
        return self._channel.receive()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; returns whether it ended within so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()

    def reap(self) -> str:
        """End it if it still runs, and free its resources; returns how it ended, as a sentence for the log and for admins."""
        if not self.wait(0.5):
            self.kill()
            self._process.wait()
        self._listener.join(END_S)
        self._channel.close()
        how = how_it_ended(self._process.returncode)
        output = last_words(list(self._lines))
        return f"{how}. It said: {output}" if output else how

    def _listen(self) -> None:
        """Copy its output to the portal's log; a line that is not a log line comes from native code."""
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for raw in stream:
                line = without_codes(raw.decode("utf-8", "replace")).rstrip()
                found = _LOGGED.fullmatch(line)
                if found:
                    self._log.log(logging.getLevelNamesMapping()[found[1]], "%s: %s", found[2], found[3])
                elif line:
                    self._lines.append(line)
                    self._log.error("%s", line)


def how_it_ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def last_words(lines: list[str]) -> str:
    """Return the line that explains a crash best: an assertion, else the first error, else the last line; "" if there is none."""
    for word in ("ASSERT", "rror"):
        for line in lines:
            if word in line:
                return plain_reason(line)
    return plain_reason(lines[-1]) if lines else ""
