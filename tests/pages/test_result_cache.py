"""The result cache on the pages: the mark of an answer, the card of the Models page, the choice of a group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.chat.turn_runner import TurnOptions
from core.inference.requests import SamplingParams
from core.people.records import Role
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.pages.test_chat import chat, components


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    made.portal.result_cache.most_bytes = 1_000_000
    yield made
    made.portal.close()


def drawn(house: House) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.widgets.models.results_card import results_card
        from pages.widgets.people.group_list import group_list

        results_card(portal, user)
        group_list(portal, user, [])

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(Role.ADMIN)))


def test_a_kept_answer_is_marked_and_an_admin_empties_the_cache(house: House) -> None:
    ana, admin = house.person(Role.ANALYST), house.person(Role.ADMIN)
    for number in range(2):
        conversation = house.portal.conversations.new(ana).id
        options = TurnOptions(params=SamplingParams(temperature=0.0))
        house.settle(ana, house.portal.turns.start(ana, conversation, "Hello?", options, f"r{number}").id)
    shown = str(components(chat(house, conversation), "seam"))
    assert "from the cache" in shown and "written on 2" in shown
    page = drawn(house).run()
    assert not page.exception and "Result cache" in texts(page) and "50" in texts(page)
    page = next(each for each in page.button if each.label == "Empty the cache").click().run()
    assert not page.exception and house.portal.result_cache.stats(admin).stored == 0


def test_a_group_shares_kept_answers_only_if_an_admin_says_so(house: House) -> None:
    admin = house.person(Role.ADMIN)
    group = house.portal.groups.change(admin, house.portal.groups.add(admin, "Risk").id, shares_results=True)
    page = drawn(house)
    page.session_state["groups_chosen"] = group.id
    page = page.run()
    box = next(each for each in page.checkbox if each.label == "Members share cached answers")
    assert box.value
    box.set_value(False)
    page = next(each for each in page.button if each.label == "Save").click().run()
    assert not page.exception and not house.portal.groups.get(admin, group.id).group.shares_results
