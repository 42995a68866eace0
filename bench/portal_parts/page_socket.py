"""Open a page as a browser does, over the websocket, but without a browser."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Self

from streamlit.proto.AutoRerun_pb2 import AutoRerun
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

POLL_S = 0.5
"""Seconds between checks whether to continue following."""
SMALL = 200
"""Bytes of a message that may set a timer; a message that draws something is rarely as small."""


class PageSocket:
    """One tab. token: the session cookie's value; None for a visitor who has not signed in.

    tls: checks nginx's certificate, if the host is nginx. server: the cookie by which nginx knows the user server.
    """

    def __init__(self, host: str, token: str | None, *, tls: ssl.SSLContext | None = None, server: str = "") -> None:
        cookies = {"glm_portal_session": token or "", "portal_server": server}
        held = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        headers = {"Cookie": held} if held else {}
        scheme = "wss" if tls else "ws"
        self._connection = connect(f"{scheme}://{host}/_stcore/stream", additional_headers=headers, max_size=None, ssl=tls, open_timeout=60)
        self._page = self._input = ""
        self.received_bytes = 0
        self.query = ""
        """The query of the page's address, as the page last set it."""

    @property
    def server(self) -> str:
        """Return the cookie by which nginx knows the user server of this tab; "" without nginx."""
        response = self._connection.response
        found = SimpleCookie(response.headers.get("Set-Cookie", "") if response else "").get("portal_server")
        return found.value if found else ""

    def __enter__(self) -> Self:
        self._socket = self._connection.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, trace)

    def run(self, page: str | None = None, query: str = "", timeout: float = 60) -> Sequence[ForwardMsg]:
        """Run the script of `page` (the last part of its address), else of the page last shown. Returns all messages of the run."""
        message = BackMsg()
        message.rerun_script.query_string = query
        if page is None:
            message.rerun_script.page_script_hash = self._page
        else:
            message.rerun_script.page_name = page
        self._socket.send(message.SerializeToString())
        return self._received(timeout)

    def run_part(self, part: AutoRerun, timeout: float = 60) -> Sequence[ForwardMsg]:
        """Run a part of the page, as its timer does. Returns all messages, also those of the whole page if the part runs that instead."""
        self._socket.send(self._again(part, "").SerializeToString())
        messages: list[ForwardMsg] = []
        while not messages or messages[-1].script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            messages += self.messages(timeout)
        return messages

    def ask(self, question: str) -> None:
        """Type a question into the composer of the page last drawn and send it. `messages` then yields the response."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self._page
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.chat_input_value.data = self._input, question
        self._socket.send(message.SerializeToString())

    def messages(self, timeout: float = 60) -> Iterator[ForwardMsg]:
        """Yield each message that comes, until the script has finished. Raises TimeoutError after `timeout` seconds without one."""
        while True:
            data = self._socket.recv(timeout=timeout)
            assert isinstance(data, bytes), "Streamlit speaks in bytes"
            self.received_bytes += len(data)
            message = ForwardMsg.FromString(data)
            self._note(message)
            yield message
            if message.WhichOneof("type") == "script_finished":
                return

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "chat_input":
            self._input = message.delta.new_element.chat_input.id

    def follow(self, part: AutoRerun, ended: threading.Event, query: str = "") -> Iterator[bytes]:
        """Run a part of the page again and again until `ended`, as a browser does if `part` asks for it; yield each message.

        A message may change the interval.
        """
        again, interval = self._again(part, query).SerializeToString(), part.interval
        due = time.perf_counter() + interval
        while not ended.is_set():
            try:
                data = self._socket.recv(timeout=max(0.0, min(due - time.perf_counter(), POLL_S)))
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

    def _again(self, part: AutoRerun, query: str) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = part.fragment_id
        message.rerun_script.is_auto_rerun = True
        return message

    def _received(self, timeout: float) -> Sequence[ForwardMsg]:
        self.received_bytes = 0
        return list(self.messages(timeout))
