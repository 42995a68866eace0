"""The timer with which a browser has a fragment run again and again (`run_every`), seen from within such a run.

To begin a run costs several times as much as to draw once more. A run that goes on drawing for as long as nobody else wants the page to
run needs the timer rarely, and soon again once it had to end for somebody else. What is used of Streamlit here is private: it is pinned,
and tests/pages/test_browser_timer.py tells when it stops to work.
"""

from __future__ import annotations

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState, get_script_run_ctx


def set_timer(seconds: float) -> None:
    """From now on this fragment, which must have a timer, runs again every so often."""
    message = ForwardMsg()
    message.auto_rerun.interval = seconds
    message.auto_rerun.fragment_id = ThreadState.get().fragment_id or ""
    script_context().enqueue(message)


def awaited() -> bool:
    """Whether the end of this run is waited for: by a click, by another fragment, by this one's timer, by the end of the session."""
    requests = script_context().script_requests
    return requests is not None and requests._state is not ScriptRequestType.CONTINUE


def script_context() -> ScriptRunContext:
    context = get_script_run_ctx()
    assert context is not None, "a fragment runs"
    return context
