"""A match: two answers without names, the vote, and what the leaderboard makes of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from core.arena.leaderboard import Leaderboard
from core.arena.matches import ArenaMatches
from core.arena.records import Choice, Contender, Match, MatchState, VoteFilter, VoteTask
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.inference.gateway import Gateway
from core.people import active_account
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter, answer
from tests.unit.core.conftest import MovingClock

ALL = VoteFilter()


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter(available=[MODEL, replace(MODEL, name="other", version="beef01", default=False)])


@pytest.fixture
def arena(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[ArenaMatches]:
    made = ArenaMatches(unit_of_work, Gateway(unit_of_work, router, clock), clock, 1_000, random.Random(1))
    yield made
    made.close()


@pytest.fixture
def leaderboard(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Leaderboard:
    return Leaderboard(unit_of_work, clock)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def ended(arena: ArenaMatches, user: User, match: Match) -> Match:
    deadline = time.monotonic() + 60
    while (found := arena.get(user, match.id)).state is MatchState.ANSWERING:
        assert time.monotonic() < deadline, "the answers never ended"
        time.sleep(0.01)
    return found


def test_nothing_tells_whose_answer_it_is_before_the_vote(arena: ArenaMatches, router: FakeRouter, ana: User) -> None:
    router.hold()
    begun = arena.start(ana, "  Why is the sky blue? ", VoteTask.KNOWLEDGE)
    assert begun.state is MatchState.ANSWERING and begun.left.text == begun.right.text == begun.left.name == ""
    with pytest.raises(Conflict):
        arena.vote(ana, begun.id, Choice.LEFT)
    router.release()
    ready = ended(arena, ana, begun)
    assert ready.state is MatchState.READY and ready.question == "Why is the sky blue?"
    assert ready.left.text == ready.right.text == "Hello from the fake model"
    assert (ready.left.name, ready.left.tokens, ready.right.name, ready.right.tokens_per_second) == ("", None, "", None)
    voted = arena.vote(ana, begun.id, Choice.LEFT)
    assert {voted.left.name, voted.right.name} == {"fake v1", "other beef"} and voted.left.tokens == 5
    assert (voted.state, voted.choice, voted.others) == (MatchState.VOTED, Choice.LEFT, 0)


def test_a_vote_counts_once_and_can_be_taken_back(arena: ArenaMatches, leaderboard: Leaderboard, admin: User, ana: User) -> None:
    match = ended(arena, ana, arena.start(ana, "Hi", VoteTask.CODE))
    first = arena.vote(ana, match.id, Choice.LEFT)
    arena.vote(ana, match.id, Choice.RIGHT)
    found = leaderboard.read(admin, ALL)
    assert found.votes == 1 and found.people == 1
    assert next(row for row in found.rows if row.won == 1).contender.label == first.right.name
    assert leaderboard.read(admin, VoteFilter(task=VoteTask.CODE)).votes == 1
    assert leaderboard.read(admin, VoteFilter(task=VoteTask.WRITING)).votes == 0
    arena.take_back(ana, match.id)
    assert leaderboard.read(admin, ALL).votes == 0
    with pytest.raises(NotFound):
        arena.vote(ana, match.id, Choice.LEFT)


def test_others_who_agree_are_counted(arena: ArenaMatches, accounts: Accounts, clock: MovingClock, ana: User) -> None:
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse")
    for person in (ana, bob):
        match = ended(arena, person, arena.start(person, "Hi"))
        voted = arena.vote(person, match.id, Choice.ALIKE)
        clock.forward(minutes=1)  # Votes are counted again after half a minute.
    assert (voted.agreed, voted.others) == (1, 1)


def test_an_answer_that_fails_leaves_nothing_to_vote_on(arena: ArenaMatches, router: FakeRouter, ana: User) -> None:
    router.next_answers.put([Unavailable("The model stopped.")])
    failed = ended(arena, ana, arena.start(ana, "Hi"))
    assert failed.state is MatchState.FAILED and str(failed.error) == "The model stopped."
    with pytest.raises(Conflict):
        arena.vote(ana, failed.id, Choice.LEFT)
    until(lambda: arena.count() == 0)  # The other answer of the match that failed.
    router.next_answers.put(answer(""))
    assert ended(arena, ana, arena.start(ana, "Hi")).state is MatchState.FAILED


def test_the_answers_of_a_disabled_account_end(
    arena: ArenaMatches, router: FakeRouter, accounts: Accounts, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_account, "LOOK_S", 0.0)
    router.hold()
    match = arena.start(ana, "Hi")
    until(lambda: len(router.generations) == 2)
    accounts.change(None, "ana", active=False)
    router.release(2)  # One word of each answer.
    until(lambda: arena.count() == 0)
    assert all(each.cancelled.is_set() and each.given < 5 for each in router.generations)
    assert "has ended" in str(arena.get(ana, match.id).error)


def test_an_empty_question_and_a_single_model_are_refused(arena: ArenaMatches, router: FakeRouter, ana: User) -> None:
    with pytest.raises(InvalidInput):
        arena.start(ana, "  ")
    assert arena.ready(ana)
    router.available = [MODEL, replace(MODEL, name="guide", guide=True)]
    assert not arena.ready(ana)
    with pytest.raises(Conflict):
        arena.start(ana, "Hi")


def test_a_match_belongs_to_its_person_and_ends_with_the_next(
    arena: ArenaMatches, router: FakeRouter, clock: MovingClock, admin: User, ana: User
) -> None:
    router.hold()
    match = arena.start(ana, "Hi")
    deadline = time.monotonic() + 60
    while len(router.generations) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(NotFound):
        arena.get(admin, match.id)
    arena.start(ana, "Hi again")
    assert all(each.cancelled.wait(60) for each in router.generations[:2])
    with pytest.raises(NotFound):
        arena.get(ana, match.id)
    clock.forward(minutes=31)
    later = arena.start(admin, "Hello")
    assert arena.count() <= 6
    arena.leave(admin, later.id)
    router.release()


def test_reviewers_alone_read_the_leaderboard(arena: ArenaMatches, leaderboard: Leaderboard, admin: User, ana: User) -> None:
    with pytest.raises(NotAllowed):
        leaderboard.read(ana, ALL)
    match = ended(arena, ana, arena.start(ana, "Hi"))
    arena.vote(ana, match.id, Choice.LEFT)
    assert leaderboard.csv(admin, ALL).count(b"\r\n") == 3 and b"fake,v1" in leaderboard.csv(admin, ALL)
    with pytest.raises(NotAllowed):
        leaderboard.csv(ana, ALL)
    assert "Risk" in leaderboard.groups(admin)


def test_accepted_questions_are_offered_to_people_who_may_read_cases(
    arena: ArenaMatches, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User
) -> None:
    from core.models.swaps.records import ReplayQuestion

    kept = ReplayQuestion(id="q1", model="fake", question="Secret rate?", accepted="4 %", created_at=clock(), created_by=admin.id)
    with unit_of_work() as work:
        work.swaps.add_replay(kept)
        work.commit()
    assert "Secret rate?" in arena.offered(admin) and "Secret rate?" not in arena.offered(ana) and arena.offered(ana)


def test_a_contender_is_labelled_by_the_beginning_of_its_version() -> None:
    assert Contender("glm", "b71e22").label == "glm b71e" and Contender("formal").label == "formal"
