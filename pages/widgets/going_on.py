"""How a fragment follows what changes: one run goes on for as long as nobody else wants the page to run, and asks for the next itself.

Streamlit's own way, a timer in the browser (`run_every`), costs a message and a run each time; to begin a run costs several times as much
as to draw once more. What is used of Streamlit here is private: it is pinned, and tests/pages/test_going_on.py tells when it stops to work.
"""

from __future__ import annotations

from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState, get_script_run_ctx


def go_on() -> None:
    """Have this fragment run again as soon as the present run, be it the page's or its own, has ended."""
    context = _context()
    again = RerunData(
        query_string=context.query_string,
        page_script_hash=context.page_script_hash,
        fragment_id=ThreadState.get().fragment_id,
        cached_message_hashes=context.cached_message_hashes,
        context_info=context.context_info,
    )
    _requests(context).request_rerun(again)


def awaited() -> bool:
    """Whether something else waits for this run to end: a click, another fragment, the end of the session."""
    return _requests(_context())._state is not ScriptRequestType.CONTINUE


def _context() -> ScriptRunContext:
    context = get_script_run_ctx()
    assert context is not None, "a fragment runs"
    return context


def _requests(context: ScriptRunContext) -> ScriptRequests:
    assert context.script_requests is not None, "a fragment runs"
    return context.script_requests
