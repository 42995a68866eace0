"""Hand what a page draws to Streamlit's event loop in groups, and lose nothing of it on the way to the browser.

Streamlit wakes its event loop for each element that a script draws. A run of the chat page draws sixty: the script and the loop then take
the interpreter from each other sixty times, which cost more than drawing.

A browser that gets an element without the one before it stops the page for good ("Bad delta path"). Streamlit 1.67 loses elements in two
ways on a busy machine: see `clear_queue` and `create_runner`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner, ScriptRunnerEvent

log = logging.getLogger(__name__)

GATHER_S = 0.005
"""How long elements are gathered after the first. Streamlit itself sends what has gathered every 10 ms."""
_EVENTS = "portal_script_events"
create_scriptrunner = AppSession._create_scriptrunner


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
            self._session._call_soon_on_event_loop(self.handle)
        elif not self._coming:
            self._coming = True
            self._session._call_soon_on_event_loop(self._handle_soon)

    def _handle_soon(self) -> None:
        asyncio.get_running_loop().call_later(GATHER_S, self.handle)

    def handle(self) -> None:
        """Handle all events that wait, on the event loop."""
        self._coming = False
        while self._waiting:
            event = self._waiting.popleft()
            try:
                event()
            except Exception:
                log.exception("an event of a page's script failed")


def gather() -> None:
    """Replace Streamlit's functions. Streamlit is pinned, and tests/pages/test_script_events.py fails if this stops working."""
    AppSession._on_scriptrunner_event = on_event  # type: ignore[method-assign, assignment]
    AppSession._create_scriptrunner = create_runner  # type: ignore[method-assign, assignment]
    AppSession._clear_queue = clear_queue  # type: ignore[method-assign, assignment]


def on_event(session: AppSession, sender: ScriptRunner | None, event: ScriptRunnerEvent, *given: Any, **named: Any) -> None:
    """Pass an event of a script on to the event loop. All but drawn elements go at once, with everything before them."""
    # Like Streamlit's own attributes; setdefault keeps one value if two threads come at once.
    events: ScriptEvents = session.__dict__.setdefault(_EVENTS, ScriptEvents(session))
    handle = partial(session._handle_scriptrunner_event_on_event_loop, sender, event, *given, **named)
    events.add(handle, at_once=event is not ScriptRunnerEvent.ENQUEUE_FORWARD_MSG)


def create_runner(session: AppSession, data: RerunData) -> None:
    """Start another runner after all events of the one before.

    A fragment may be asked for just when a run of the page has ended. Streamlit ignores events of a runner that is no longer the current
    one: what that run drew last was lost, and the fragment drew into nothing.
    """
    events: ScriptEvents | None = session.__dict__.get(_EVENTS)
    if events is not None:
        events.handle()
    create_scriptrunner(session, data)


def clear_queue(session: AppSession, fragments: Sequence[str] | None = None) -> None:
    """Drop what waits to be sent, since a run of the page begins. fragments: those that run instead, before which all of it is kept.

    Streamlit also drops what these fragments drew before. Where that had taken the position of a placeholder of the page, or held other
    fragments, a gap was left.
    """
    session._browser_queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[] if fragments else None)
