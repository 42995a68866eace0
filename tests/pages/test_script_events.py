"""What a script draws reaches Streamlit's event loop in order, complete, and in groups."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

from pages.shell import script_events

LONG_S = 60.0
DRAWN = 200


class Session:
    """A session of Streamlit that notes its events and how often its loop was woken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seen: list[tuple[ScriptRunnerEvent, str]] = []
        self.woken = 0
        self.done = asyncio.Event()
        self._loop = loop

    def on_event(self, event: ScriptRunnerEvent, **given: ForwardMsg) -> None:
        script_events.on_event(self, None, event=event, **given)  # type: ignore[arg-type]

    def draw(self, name: str) -> None:
        self.on_event(ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, forward_msg=ForwardMsg(hash=name))

    def _call_soon_on_event_loop(self, callback: Callable[[], None]) -> None:
        self.woken += 1
        self._loop.call_soon_threadsafe(callback)

    def _handle_scriptrunner_event_on_event_loop(
        self, _sender: object, event: ScriptRunnerEvent, forward_msg: ForwardMsg | None = None
    ) -> None:
        self.seen.append((event, forward_msg.hash if forward_msg else ""))
        if forward_msg is not None and forward_msg.hash == "faulty":
            raise ValueError("a faulty message")
        if event is ScriptRunnerEvent.SHUTDOWN:
            self.done.set()


def test_streamlit_has_what_is_replaced_and_called() -> None:
    used = {"_on_scriptrunner_event", "_call_soon_on_event_loop", "_handle_scriptrunner_event_on_event_loop"}
    assert used <= set(vars(AppSession))


async def played(script: Callable[[Session], None]) -> Session:
    session = Session(asyncio.get_running_loop())
    thread = threading.Thread(target=script, args=(session,))
    thread.start()
    await asyncio.wait_for(session.done.wait(), LONG_S)
    thread.join(LONG_S)
    return session


def test_all_that_a_script_draws_arrives_in_order_and_wakes_the_loop_seldom() -> None:
    def script(session: Session) -> None:
        session.on_event(ScriptRunnerEvent.SCRIPT_STARTED)
        for number in range(DRAWN):
            session.draw(str(number))
        session.on_event(ScriptRunnerEvent.SHUTDOWN)

    session = asyncio.run(played(script))
    assert [name for event, name in session.seen if event is ScriptRunnerEvent.ENQUEUE_FORWARD_MSG] == [str(n) for n in range(DRAWN)]
    assert session.seen[0][0] is ScriptRunnerEvent.SCRIPT_STARTED and session.seen[-1][0] is ScriptRunnerEvent.SHUTDOWN
    assert session.woken < DRAWN, "elements waited for one another"


def test_an_element_arrives_without_any_that_follows() -> None:
    def script(session: Session) -> None:
        session.draw("alone")
        until = time.monotonic() + LONG_S
        while not session.seen and time.monotonic() < until:
            time.sleep(0.01)
        session.on_event(ScriptRunnerEvent.SHUTDOWN)

    session = asyncio.run(played(script))
    assert session.seen[0] == (ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, "alone")


def test_a_message_that_fails_stops_none_that_follow(caplog: pytest.LogCaptureFixture) -> None:
    def script(session: Session) -> None:
        session.draw("faulty")
        session.draw("good")
        session.on_event(ScriptRunnerEvent.SHUTDOWN)

    session = asyncio.run(played(script))
    assert [name for _, name in session.seen] == ["faulty", "good", ""]
    assert "an event of a page's script failed" in caplog.text


def test_what_several_threads_draw_at_once_all_arrives() -> None:
    def script(session: Session) -> None:
        def some(who: int) -> None:
            for number in range(DRAWN):
                session.draw(f"{who}-{number}")

        threads = [threading.Thread(target=some, args=(who,)) for who in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(LONG_S)
        session.on_event(ScriptRunnerEvent.SHUTDOWN)

    session = asyncio.run(played(script))
    for who in range(4):
        assert [name for _, name in session.seen if name.startswith(f"{who}-")] == [f"{who}-{n}" for n in range(DRAWN)]
