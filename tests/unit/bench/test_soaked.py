"""What fails a soak."""

from __future__ import annotations

from bench.servers.soak.measuring import MIN_ROUNDS, Soaked
from bench.servers.soak.mixed_load import KINDS, Tally
from bench.servers.soak.rounds import PAGES
from pages.shell.navigation import ENTRIES

STEADY = [(float(second), 100.0) for second in range(100)]


def test_the_soak_draws_every_page_of_the_navigation() -> None:
    assert set(PAGES) == {"", *(entry.path for entry in ENTRIES[1:])}


def enough() -> Tally:
    tally = Tally()
    tally.rounds.update(dict.fromkeys(KINDS, MIN_ROUNDS))
    return tally


def test_a_soak_without_growth_passes() -> None:
    assert not Soaked(STEADY, enough(), None).problems()


def test_growth_fails_a_soak() -> None:
    [problem] = Soaked([(float(second), 100.0 + second / 5) for second in range(100)], enough(), None).problems()
    assert problem.startswith("Memory grew by 1")


def test_an_end_of_the_portal_fails_a_soak() -> None:
    assert Soaked(STEADY, enough(), -9).problems() == ["The portal ended with -9."]


def test_a_fault_fails_a_soak() -> None:
    tally = enough()
    tally.count("chat", "POST /api/v1/conversations 500")
    assert Soaked(STEADY, tally, None).problems() == ["1 times chat: POST /api/v1/conversations 500."]


def test_some_late_responses_pass_and_many_fail_a_soak() -> None:
    tally = enough()
    tally.late = 2
    assert not Soaked(STEADY, tally, None).problems()
    tally.late = 20
    [problem] = Soaked(STEADY, tally, None).problems()
    assert problem.startswith("20 rounds were given up")


def test_a_load_that_hardly_ran_fails_a_soak() -> None:
    [problem] = Soaked(STEADY, Tally(), None).problems()
    assert "only 0 rounds" in problem
