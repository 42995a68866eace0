from __future__ import annotations

from dataclasses import replace

from core.inference.records import Timings, Usage
from pages.widgets.chat.transcript import details_of
from tests.store import things


def test_the_details_of_an_answer_tell_what_was_measured_and_nothing_else() -> None:
    row = things.generation(things.user())
    assert dict(details_of(row)) == {
        "Wait in line": "0.1 s",
        "Read": "120 tokens",
        "Of them remembered": "100 tokens",
        "Reading took": "0.2 s",
        "Between tokens": "20 ms, nearly always within 60 ms",
        "Guessed ahead": "6 of 8 tokens right",
        "Answer time": "2.5 s",
        "Continued with safer settings": "once",
    }
    assert details_of(replace(row, usage=Usage(), timings=Timings())) == ()
    assert details_of(None) == ()
