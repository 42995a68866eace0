"""A page opened as a browser opens it: over the websocket, without a browser."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from streamlit.proto.AutoRerun_pb2 import AutoRerun
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


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
        """As a browser does what `part` asks for: have that part of the page run again and again until `ended`; each message that comes."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = part.fragment_id
        message.rerun_script.is_auto_rerun = True
        due = time.perf_counter()
        while not ended.is_set():
            self._socket.send(message.SerializeToString())
            due += part.interval
            while (left := due - time.perf_counter()) > 0:
                with contextlib.suppress(TimeoutError):
                    data = self._socket.recv(timeout=left)
                    assert isinstance(data, bytes), "Streamlit speaks in bytes"
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
