"""The process of one model: `python -m models.child.host FD`, started by `process.py`, never imported by the portal."""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import resource
import signal
import socket
import sys

from core.errors import PortalError
from models.child.chat_host import ChatHost
from models.child.vector_host import VectorHost
from models.child.wire import Channel, write_error

_PR_SET_PDEATHSIG = 1


def _end_with_the_portal() -> None:
    """Have the kernel end this process with the thread that started it, in case the closed socket is not noticed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(number: str) -> int:
    # A terminal's Ctrl+C and a service manager's SIGTERM go to every process; the portal ends this one when it is done with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Writing gigabytes of core would keep the portal from noticing the death.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    _end_with_the_portal()
    channel = Channel(socket.socket(fileno=int(number)))
    first = channel.receive()
    if first is None:
        return 1
    logging.basicConfig(stream=sys.stderr, level=first["log_level"], format="%(levelname)s %(name)s: %(message)s")
    shown = 0.0

    def progress(done: float) -> bool:
        nonlocal shown
        if done - shown >= 0.01:
            shown = done
            channel.send({"progress": done})
        return True

    kind = VectorHost if first["options"]["pooling"] else ChatHost
    try:
        host = kind(channel, first, progress)
    except PortalError as error:
        channel.send({"refused": write_error(error)})
        return 1
    channel.send({"ready": host.ready})
    host.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
