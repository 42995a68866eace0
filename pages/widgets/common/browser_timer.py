"""Change the browser timer that reruns a fragment (`run_every`) from within a run of the fragment.

Starting a run costs several times as much as drawing once more. A run that keeps drawing until another rerun is requested needs the timer
rarely while it draws, but soon after it had to end for another rerun. This module uses private parts of Streamlit: Streamlit is pinned,
and tests/pages/test_browser_timer.py fails if they stop working.
"""

from __future__ import annotations

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState, get_script_run_ctx


def set_timer(seconds: float) -> None:
    """Set the seconds between reruns of this fragment, which must have a timer already."""
    message = ForwardMsg()
    message.auto_rerun.interval = seconds
    message.auto_rerun.fragment_id = ThreadState.get().fragment_id or ""
    script_context().enqueue(message)


def awaited() -> bool:
    """Tell whether a request waits for the end of this run: a click, another fragment, this fragment's timer, or the end of the session."""
    requests = script_context().script_requests
    return requests is not None and requests._state is not ScriptRequestType.CONTINUE


def script_context() -> ScriptRunContext:
    """Return Streamlit's context of the current run."""
    context = get_script_run_ctx()
    assert context is not None, "a fragment runs"
    return context
