"""What a script draws reaches Streamlit's event loop in order, complete, and in groups."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import RerunData, ScriptRunnerEvent

from pages.shell import script_events

LONG_S = 60.0
DRAWN = 200


class Session:
    """A session of Streamlit that notes its events and how often its loop was woken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seen: list[tuple[ScriptRunnerEvent, str]] = []
        self.woken = 0
        self.done = asyncio.Event()
        self.queue = self._browser_queue = ForwardMsgQueue()
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
    replaced = {"_on_scriptrunner_event", "_create_scriptrunner", "_clear_queue"}
    called = {"_call_soon_on_event_loop", "_handle_scriptrunner_event_on_event_loop"}
    assert replaced | called <= set(vars(AppSession))


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


def test_a_new_runner_starts_after_all_events_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[int] = []
    monkeypatch.setattr(script_events, "create_scriptrunner", lambda session, _data: created.append(len(session.seen)))

    async def main() -> None:
        session = Session(asyncio.get_running_loop())
        script_events.create_runner(session, RerunData())  # type: ignore[arg-type]
        session.draw("last")
        session.on_event(ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS)
        script_events.create_runner(session, RerunData())  # type: ignore[arg-type]

    asyncio.run(main())
    assert created == [0, 2]


def element(path: list[int], text: str, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.new_element.markdown.body = text
    message.delta.fragment_id = fragment
    return message


def test_a_fragment_that_runs_again_leaves_no_gap_where_it_drew_into_a_placeholder() -> None:
    loop = asyncio.new_event_loop()
    session = Session(loop)
    loop.close()
    queue = session.queue
    for path, text, fragment in (([0, 0], "", ""), ([0, 1], "button", ""), ([0, 0], "1 token", "f"), ([0, 0], "2 tokens", "f")):
        queue.enqueue(element(path, text, fragment))
    script_events.clear_queue(session, ["f"])  # type: ignore[arg-type]
    queue.enqueue(element([0, 0], "3 tokens", "f"))
    sent = [(list(each.metadata.delta_path), each.delta.new_element.markdown.body) for each in queue.flush()]
    assert sent == [([0, 0], "2 tokens"), ([0, 1], "button"), ([0, 0], "3 tokens")]
    queue.enqueue(element([0, 0], "of the run before"))
    script_events.clear_queue(session)  # type: ignore[arg-type]
    assert queue.flush() == []
