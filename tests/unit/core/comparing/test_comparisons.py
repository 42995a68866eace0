"""Comparisons as jobs, and blind votes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from core.comparing.comparisons import Comparisons
from core.comparing.metrics import preference_interval, summarize, verdict
from core.comparing.questions import BUILT_IN
from core.comparing.records import Comparison, QuestionSet, VoteChoice
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.models.swaps.canary import in_language
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from tests.fake_comparer import FakeComparer, result
from tests.unit.core.conftest import SERVER, MovingClock

LARGE, SMALL = Path("/models/glm-Q8_0.gguf"), Path("/models/glm-Q4_K_M.gguf")
WAIT_S = 120.0


@pytest.fixture
def comparer() -> FakeComparer:
    return FakeComparer()


@pytest.fixture
def comparisons(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, comparer: FakeComparer,
    working: Callable[[Sequence[JobKind]], JobWorker],
) -> Comparisons:  # fmt: skip
    made = Comparisons(unit_of_work, clock, jobs, SERVER, comparer)
    working(made.job_kinds())
    return made


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(comparisons: Comparisons, admin: User) -> Comparison:
    started = comparisons.start(admin, LARGE, SMALL)
    until(lambda: comparisons.get(admin, started.id).ended_at)
    return comparisons.get(admin, started.id)


def test_a_comparison_keeps_what_was_measured(comparisons: Comparisons, admin: User) -> None:
    found = ended(comparisons, admin)
    assert found.done and len(found.results) == len(BUILT_IN) == found.questions
    assert (found.reference.memory_bytes, found.candidate.memory_bytes) == (5_000, 3_000)
    assert comparisons.list(admin) == [found]
    sentences = [str(each) for each in verdict(found)]
    assert sentences == [
        "Q4_K_M is close.", "It picks the same next token 90.0 % of the time.", "Its file is 50 % smaller.",
    ]  # fmt: skip


def test_the_numbers_are_those_of_all_tokens_together() -> None:
    figures = summarize([result("a", 1), result("b", 3)])
    assert figures.tokens == 20 and figures.kl_mean == pytest.approx(0.4 / 20) and figures.same_top == 0.9
    assert figures.kl_shares == (0.6, 0.2, 0.1, 0.1, 0.0) and figures.tokens_per_second == (10.0, 20.0)
    assert figures.perplexity == (pytest.approx(math.e), pytest.approx(math.exp(1.1)))


def test_a_vote_hides_the_names_and_counts_for_the_right_file(comparisons: Comparisons, admin: User) -> None:
    found = ended(comparisons, admin)
    sides = set()
    while (ballot := comparisons.ballot(admin, found.id)) is not None:
        assert {ballot.answer_a, ballot.answer_b} == {f"reference {ballot.number}", f"candidate {ballot.number}"}
        candidate_is_a = ballot.answer_a.startswith("candidate")
        sides.add(candidate_is_a)
        assert comparisons.ballot(admin, found.id) == ballot, "the order stays the same for a person"
        comparisons.vote(admin, found.id, ballot.number, "a" if candidate_is_a else "b")
    assert sides == {True, False}
    votes = comparisons.votes(admin, found.id)
    assert set(votes) == set(range(len(BUILT_IN))) and all(each == {VoteChoice.CANDIDATE: 1} for each in votes.values())
    comparisons.vote(admin, found.id, 0, "poor")
    assert comparisons.votes(admin, found.id)[0] == {VoteChoice.POOR: 1}, "the last vote of a person counts"
    with pytest.raises(InvalidInput, match="a, b, alike or poor"):
        comparisons.vote(admin, found.id, 0, "c")
    with pytest.raises(NotFound):
        comparisons.vote(admin, found.id, 99, "a")


def test_the_interval_of_a_preference_is_wilsons() -> None:
    # 31 of 59, as R's prop.test(31, 59, correct=FALSE) gives it.
    share, low, high = preference_interval({VoteChoice.CANDIDATE: 31, VoteChoice.REFERENCE: 28, VoteChoice.ALIKE: 43}) or (0, 0, 0)
    assert (share, low, high) == (pytest.approx(31 / 59), pytest.approx(0.3999, abs=2e-3), pytest.approx(0.6477, abs=2e-3))
    assert preference_interval({VoteChoice.ALIKE: 3}) is None


def test_a_cancelled_comparison_says_so_and_takes_no_votes(
    comparisons: Comparisons, comparer: FakeComparer, jobs: Jobs, admin: User
) -> None:
    comparer.gate = threading.Event()
    started = comparisons.start(admin, LARGE, SMALL)
    assert comparer.begun.wait(WAIT_S)
    with pytest.raises(Conflict, match="Another comparison is running"):
        comparisons.start(admin, LARGE, SMALL)
    with pytest.raises(Conflict, match="running"):
        comparisons.remove(admin, started.id)
    jobs.cancel(admin, started.id)
    until(lambda: comparisons.get(admin, started.id).ended_at)
    found = comparisons.get(admin, started.id)
    assert not found.done and str(found.error) == "It was cancelled." and len(found.results) == 1
    with pytest.raises(Conflict, match="no answers to vote on"):
        comparisons.ballot(admin, started.id)
    comparisons.remove(admin, started.id)
    with pytest.raises(NotFound):
        comparisons.get(admin, started.id)


def test_a_comparison_that_an_earlier_process_left_is_marked(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, comparer: FakeComparer, admin: User
) -> None:
    comparisons = Comparisons(unit_of_work, clock, jobs, SERVER, comparer)
    left = comparisons.start(admin, LARGE, SMALL)
    assert comparisons.recover() == 1 and "was stopped during this comparison" in str(comparisons.get(admin, left.id).error)


def test_without_replay_questions_that_set_is_refused(comparisons: Comparisons, admin: User) -> None:
    with pytest.raises(InvalidInput, match="no replay questions yet"):
        comparisons.start(admin, LARGE, SMALL, [QuestionSet.REPLAY])


def test_the_built_in_questions_are_in_english_and_chinese() -> None:
    chinese = [each for each in BUILT_IN if in_language(each.question, "zh")]
    assert len(BUILT_IN) == len({each.question for each in BUILT_IN}) == 16 and len(chinese) == 8


def test_only_those_who_run_models_may(comparisons: Comparisons, accounts: Accounts) -> None:
    manager = accounts.add(None, "mia", Role.MANAGER, password="correct horse")
    for attempt in (
        lambda: comparisons.start(manager, LARGE, SMALL), lambda: comparisons.list(manager), lambda: comparisons.get(manager, "x"),
        lambda: comparisons.ballot(manager, "x"), lambda: comparisons.vote(manager, "x", 0, "a"), lambda: comparisons.votes(manager, "x"),
        lambda: comparisons.remove(manager, "x"),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            attempt()
