"""The Arena page and the leaderboard, drawn over fake models."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.arena.records import ArenaVote, Choice, Contender, MatchState
from core.people.records import Role, User
from data.unit_of_work import SqlUnitOfWork
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.store import things

HOSTILE = "![x](http://evil.example) <img src=x>"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    made.router.available = [*made.router.available, replace(made.router.available[0], name="other", version="beef01", default=False)]
    yield made
    made.portal.close()


def page(portal: object, user: object, name: str) -> None:
    from tests.pages.seeded import page_module

    page_module(name).render(portal, user)


def drawn(house: House, user: User, name: str = "arena") -> AppTest:
    return AppTest.from_function(page, default_timeout=60, args=(house.portal, user, name))


def answered(house: House, user: User, drawn: AppTest) -> AppTest:
    match_id = drawn.session_state["arena-match"]
    deadline = time.monotonic() + 60
    while house.portal.arena.get(user, match_id).state is MatchState.ANSWERING:
        assert time.monotonic() < deadline, "the answers never ended"
        time.sleep(0.01)
    return drawn.run()


def test_a_question_is_asked_voted_on_and_followed_by_the_next(house: House) -> None:
    ann = house.person(Role.ANALYST)
    asked = drawn(house, ann).run()
    assert not asked.exception
    asked.text_area(key="arena-question").set_value(HOSTILE)
    next(each for each in asked.button if each.label == "Ask both").click()
    ready = answered(house, ann, asked.run())
    assert not ready.exception
    shown = texts(ready)
    assert "**Left**" in shown and "**Right**" in shown and "other beef" not in shown and "fake v1" not in shown
    assert "\n![x](http" not in shown and "tokens" not in shown
    voted = ready.button(key="arena-vote-left").click().run()
    assert "other beef" in texts(voted) and "fake v1" in texts(voted) and "Your vote" in texts(voted)
    following = voted.button(key="arena-next").click().run()
    assert not following.exception and following.button(key="arena-take-0").label
    taken = answered(house, ann, following.button(key="arena-take-0").click().run())
    again = taken.button(key="arena-vote-alike").click().run().button(key="arena-back").click().run()
    assert again.text_area(key="arena-question")


def test_one_model_is_too_few(house: House) -> None:
    house.router.available = house.router.available[:1]
    assert "The Arena needs two models" in texts(drawn(house, house.person(Role.ANALYST)).run())


def test_the_leaderboard_names_who_leads_and_draws_no_markup_of_names(house: House) -> None:
    admin = house.person(Role.ADMIN)
    assert "No votes yet" in texts(drawn(house, admin, "leaderboard").run())
    with SqlUnitOfWork(house.portal.database) as work:
        for number in range(60):
            vote = ArenaVote(
                id=f"v{number}", user_id=(admin if number % 2 else house.person(Role.ANALYST)).id, left=Contender(HOSTILE),
                right=Contender("glm", "b71e"), choice=Choice.RIGHT if number % 5 else Choice.LEFT, voted_at=things.NOW,
            )  # fmt: skip
            work.votes.put(vote)
        work.commit()
    shown = drawn(house, admin, "leaderboard").run()
    assert not shown.exception
    assert "glm b71e leads." in texts(shown) and "60 votes by 2 people." in texts(shown)
    assert "<img" not in texts(shown) and "One against one" in texts(shown)
