"""A page opened as a browser opens it: over the websocket, without a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from streamlit.proto.AutoRerun_pb2 import AutoRerun
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

LOOK_S = 0.5
"""How often to look whether to go on following."""
SMALL = 200
"""Bytes of a message that may set a timer; what draws something is rarely as small."""


class PageSocket:
    """One tab. token: the session cookie's value; None is a visitor who has not signed in."""

    def __init__(self, host: str, token: str | None) -> None:
        headers = {"Cookie": f"glm_portal_session={token}"} if token else {}
        self._connection = connect(f"ws://{host}/_stcore/stream", additional_headers=headers, max_size=None)
        self._page = ""
        self.received_bytes = 0

    def __enter__(self) -> Self:
        self._socket = self._connection.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, trace)

    def run(self, page: str | None = None, query: str = "", timeout: float = 60) -> Sequence[ForwardMsg]:
        """Run the page's script: that of `page` (the last part of its address), else of the page last shown. All messages of the run."""
        message = BackMsg()
        message.rerun_script.query_string = query
        if page is None:
            message.rerun_script.page_script_hash = self._page
        else:
            message.rerun_script.page_name = page
        self._socket.send(message.SerializeToString())
        return self._told(timeout)

    def follow(self, part: AutoRerun, ended: threading.Event, query: str = "") -> Iterator[bytes]:
        """As a browser does what `part` asks for: have that part of the page run again and again until `ended`; each message that comes.

        A message may change how often.
        """
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = part.fragment_id
        message.rerun_script.is_auto_rerun = True
        again, interval = message.SerializeToString(), part.interval
        due = time.perf_counter() + interval
        while not ended.is_set():
            try:
                data = self._socket.recv(timeout=max(0.0, min(due - time.perf_counter(), LOOK_S)))
            except TimeoutError:
                if time.perf_counter() >= due:
                    self._socket.send(again)
                    due += interval
                continue
            assert isinstance(data, bytes), "Streamlit speaks in bytes"
            if len(data) < SMALL and (timer := ForwardMsg.FromString(data).auto_rerun).fragment_id and timer.interval != interval:
                interval = timer.interval
                due = time.perf_counter() + interval
            yield data

    def _told(self, timeout: float) -> Sequence[ForwardMsg]:
        messages: list[ForwardMsg] = []
        self.received_bytes = 0
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            data = self._socket.recv(timeout=timeout)
            assert isinstance(data, bytes), "Streamlit speaks in bytes"
            self.received_bytes += len(data)
            messages.append(ForwardMsg.FromString(data))
            if messages[-1].WhichOneof("type") == "navigation":
                self._page = messages[-1].navigation.page_script_hash
        return messages
