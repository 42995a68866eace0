"""The Experiments page: start one, read it, promote B, and bring A back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.experiments.records import Design, Guard, Guardrail, State, Trip
from core.people.records import Role
from data.unit_of_work import SqlUnitOfWork
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.store import things

HOSTILE = "![x](//evil.test) <img src=x> **b**"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    made.router.available = [*made.router.available, replace(made.router.available[0], name="newer", default=False)]
    yield made
    made.portal.close()


def page(portal: object, user: object) -> None:
    from tests.pages.seeded import page_module

    page_module("experiments").render(portal, user)


def drawn(house: House, **query: str) -> AppTest:
    found = AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(Role.ADMIN)))
    for name, value in query.items():
        found.query_params[name] = value
    return found.run()


def test_an_experiment_is_started_promoted_and_undone(house: House) -> None:
    assert "No experiment yet" in texts(drawn(house))
    form = drawn(house, experiment="new")
    assert not form.exception and "1,947" in texts(form)
    form.number_input(key="exp-effect").set_value(10.0).run()
    assert "1,947" not in texts(form)
    form.text_input(key="exp-name").set_value(HOSTILE).run()
    one = form.button(key="exp-start").click().run()
    assert not one.exception and "Too few people so far." in texts(one) and "![x](" not in texts(one)
    more = one.button(key="exp-raise").click().run()
    assert "It becomes a 97.5 % interval" in texts(more)
    made = house.portal.experiments.list(house.person(Role.ADMIN))[0].experiment.id
    house.portal.experiments.raise_split(house.person(Role.ADMIN), made, int(more.number_input(key="exp-raise-to").value))
    one = drawn(house, experiment=made)
    assert "Difference with its 97.5 % interval" in texts(one) and "since " in texts(one)
    asked = one.button(key="exp-promote").click().run()
    assert "newer answers everyone who chooses fake, from their next question on." in texts(asked)
    admin = house.person(Role.ADMIN)
    [report] = house.portal.experiments.list(admin)
    assert report.experiment.state is State.RUNNING and report.experiment.design.other == "newer" and asked.button(key="exp-confirm")
    house.portal.experiments.promote(admin, report.experiment.id)
    again = drawn(house, experiment=report.experiment.id)
    assert "exp-promote" not in {each.key for each in again.button} and "Promoted B" in texts(again)
    assert "fake answers everyone again" in texts(again.button(key="exp-undo").click().run())
    house.portal.experiments.stop(admin, report.experiment.id)
    listed = drawn(house)
    assert "Kept A" in " ".join(each.label for each in listed.button) and not listed.exception


def test_one_that_stopped_itself_says_why(house: House) -> None:
    admin = house.person(Role.ADMIN)
    design = Design(name="Slow", subject="fake", other="newer", guardrails=(Guardrail(guard=Guard.FIRST_TOKEN_P95, limit=2.0),))
    made = house.portal.experiments.start(admin, design)
    trip = Trip(guard=Guard.FIRST_TOKEN_P95, value=2.4, limit=2.0, people=61)
    with SqlUnitOfWork(house.portal.database) as work:
        work.experiments.save(replace(made, state=State.STOPPED_ITSELF, ended_at=things.NOW, trip=trip))
        work.commit()
    shown = drawn(house, experiment=made.id)
    assert "B passed a limit: first token p95 was 2.4 s, the limit is 2.0 s. 61 people had B." in texts(shown)
    assert "at most 2.0 s" in texts(shown) and "exp-promote" not in {each.key for each in shown.button}
    assert "There is nothing here" in texts(drawn(house, experiment="nothing"))
