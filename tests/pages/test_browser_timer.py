from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.testing.v1 import AppTest

from pages.widgets.common import browser_timer


def script() -> None:
    import streamlit as st
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

    from pages.widgets.common.browser_timer import awaited, set_timer

    context = get_script_run_ctx()
    assert context is not None
    told, enqueue = [], context.enqueue

    def overheard(message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "auto_rerun":
            told.append((message.auto_rerun.fragment_id, message.auto_rerun.interval))
        enqueue(message)

    context.enqueue = overheard  # type: ignore[method-assign]

    @st.fragment(run_every=0.5)
    def part() -> None:
        st.session_state.awaited = awaited()
        set_timer(4)

    part()
    st.session_state.told = told


def test_a_fragment_sets_its_own_timer_anew() -> None:
    test = AppTest.from_function(script).run()
    assert not test.exception
    first, anew = test.session_state.told
    assert (first[1], anew[1]) == (0.5, 4)
    assert anew[0] == first[0] != "", "the browser keeps a timer for each fragment, by its id"
    assert not test.session_state.awaited


@pytest.mark.parametrize("other", [RerunData(), RerunData(fragment_id="another"), None], ids=["page", "fragment", "stop"])
def test_what_else_wants_to_run_is_seen(monkeypatch: pytest.MonkeyPatch, other: RerunData | None) -> None:
    """Streamlit has no public way to see the reruns that wait for the end of a run."""
    requests = ScriptRequests()
    monkeypatch.setattr(browser_timer, "script_context", lambda: SimpleNamespace(script_requests=requests))
    assert not browser_timer.awaited()
    if other is None:
        requests.request_stop()
    else:
        requests.request_rerun(other)
    assert browser_timer.awaited()
