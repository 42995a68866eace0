from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.testing.v1 import AppTest

RUNS_MOST = 4


def script() -> None:
    import streamlit as st

    from pages.widgets.going_on import awaited, go_on

    state = st.session_state
    state.page_runs = state.get("page_runs", 0) + 1

    @st.fragment
    def count() -> None:
        state.runs = state.get("runs", 0) + 1
        state.before = awaited()
        if state.runs < state.most:
            go_on()
            state.after = awaited()
        st.write(f"run {state.runs}")

    count()
    state.page_ended = state.runs


def test_a_fragment_runs_again_after_the_page_and_after_itself() -> None:
    test = AppTest.from_function(script)
    test.session_state.most = RUNS_MOST
    test.run()
    assert not test.exception
    state = test.session_state
    assert state.runs == RUNS_MOST, "as often as it asks"
    assert state.page_runs == 1 and state.page_ended == 1, "the page runs once, and to its end"
    assert not state.before and state.after


@pytest.mark.parametrize("other", [RerunData(), RerunData(fragment_id="another"), None], ids=["page", "fragment", "stop"])
def test_what_else_wants_to_run_is_seen(other: RerunData | None) -> None:
    """The private part: where Streamlit keeps what waits for the end of a run."""
    requests = ScriptRequests()
    assert requests._state is ScriptRequestType.CONTINUE
    if other is None:
        requests.request_stop()
    else:
        requests.request_rerun(other)
    assert requests._state is not ScriptRequestType.CONTINUE
