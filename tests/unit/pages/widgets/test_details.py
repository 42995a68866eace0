from __future__ import annotations

from dataclasses import replace

from core.inference.records import Timings, Usage
from pages.widgets.chat.answers.answer_figures import details_of
from tests.store import things


def test_the_details_of_an_answer_tell_what_was_measured_and_nothing_else() -> None:
    row = things.generation(things.user())
    assert dict(details_of(row)) == {
        "Platform": "local",
        "Version": row.model_version,
        "Queue wait": "0.1 s",
        "Prompt": "120 tokens",
        "From cache": "100 tokens",
        "Prompt processing": "0.2 s",
        "Inter-token latency": "20 ms, p95 60 ms",
        "Draft tokens": "6 of 8 accepted",
        "Answer time": "2.5 s",
        "Retried with safer sampling": "once",
    }
    assert details_of(replace(row, usage=Usage(), timings=Timings())) == ()
    assert details_of(None) == ()
