"""Hand what a page draws to Streamlit's event loop in groups.

Streamlit wakes its event loop for each element that a script draws. A run of the chat page draws sixty: the script and the loop then take
the interpreter from each other sixty times, which cost more than drawing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner, ScriptRunnerEvent

log = logging.getLogger(__name__)

GATHER_S = 0.005
"""How long elements are gathered after the first. Streamlit itself sends what has gathered every 10 ms."""


class ScriptEvents:
    """The events of one session's scripts that wait for the event loop, in order. Safe from any thread."""

    def __init__(self, session: AppSession) -> None:
        self._session = session
        self._waiting: deque[partial[None]] = deque()
        self._coming = False
        """Whether the loop will still look at all events that wait. A thread adds its event before it reads this, and the loop sets it
        to False before it looks, so that no event is left behind."""

    def add(self, event: partial[None], *, at_once: bool) -> None:
        """Add an event. at_once: the loop must not wait for more."""
        self._waiting.append(event)
        if at_once:
            self._coming = True
            self._session._call_soon_on_event_loop(self._handle)
        elif not self._coming:
            self._coming = True
            self._session._call_soon_on_event_loop(self._handle_soon)

    def _handle_soon(self) -> None:
        asyncio.get_running_loop().call_later(GATHER_S, self._handle)

    def _handle(self) -> None:
        self._coming = False
        while self._waiting:
            event = self._waiting.popleft()
            try:
                event()
            except Exception:
                log.exception("an event of a page's script failed")


def gather() -> None:
    """Replace Streamlit's function. Streamlit is pinned, and tests/pages/test_script_events.py fails if this stops working."""
    AppSession._on_scriptrunner_event = on_event  # type: ignore[method-assign, assignment]


def on_event(session: AppSession, sender: ScriptRunner | None, event: ScriptRunnerEvent, *given: Any, **named: Any) -> None:
    """Pass an event of a script on to the event loop. All but drawn elements go at once, with everything before them."""
    # Like Streamlit's own attributes; setdefault keeps one value if two threads come at once.
    events: ScriptEvents = session.__dict__.setdefault("portal_script_events", ScriptEvents(session))
    handle = partial(session._handle_scriptrunner_event_on_event_loop, sender, event, *given, **named)
    events.add(handle, at_once=event is not ScriptRunnerEvent.ENQUEUE_FORWARD_MSG)
