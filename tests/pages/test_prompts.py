"""The page of the library of prompts, and prompts in the chat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role, User
from core.prompts.records import Share
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.pages.test_chat import chat, components, conversations, finish


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def opened(house: House, role: Role = Role.ANALYST) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.tools import prompts

        prompts.render(portal, user)

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role))).run()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def done(drawn: AppTest) -> list[str]:
    return [each.value for each in drawn.success]


def test_a_prompt_is_written_changed_and_restored(house: House, ana: User) -> None:
    drawn = press(opened(house), "New prompt")
    drawn.text_input[1].set_value("Meeting")
    drawn.text_area[0].set_value("Summarize the meeting with [client].")
    drawn = press(drawn, "Save")
    assert not drawn.exception and done(drawn) == ["The prompt was saved."] and "To fill in: client" in texts(drawn)
    drawn.text_area[0].set_value("Summarize.")
    drawn = press(drawn, "Save")
    assert done(drawn) == ["Version 2 was saved."]
    drawn = press(drawn, "Restore")
    assert done(drawn) == ["Version 1 is in use again."]
    assert house.portal.prompts.list(ana)[0].prompt.text == "Summarize the meeting with [client]."
    drawn = press(drawn, "Remove")
    assert done(drawn) == ["The prompt was removed."] and house.portal.prompts.list(ana) == []


def test_an_admin_publishes_and_others_read_use_and_copy(house: House, ana: User) -> None:
    admin = house.person(Role.ADMIN)
    prompt = house.portal.prompts.add(admin, "House *style*", "Rewrite\nin our style.")
    drawn = press(opened(house, Role.ADMIN), next(each.label for each in opened(house, Role.ADMIN).button if "style" in each.label))
    drawn.segmented_control[0].set_value(Share.EVERYONE).run()
    assert house.portal.prompts.get(ana, prompt.id).prompt.share is Share.EVERYONE
    drawn = opened(house)
    drawn = press(drawn, next(each.label for each in drawn.button if "style" in each.label))
    assert not drawn.text_area, "only its owner edits it"
    drawn = press(drawn, "Make a copy of my own")
    assert not drawn.exception and [each.own for each in house.portal.prompts.list(ana)] == [True, False]


def test_the_composer_offers_prompts_and_empty_chats_their_starters(house: House, ana: User) -> None:
    admin = house.person(Role.ADMIN)
    for title, text in (("Style", "Rewrite in our style."), ("Meeting", "Summarize the meeting with [client].")):
        prompt = house.portal.prompts.add(admin, title, text)
        house.portal.prompts.share(admin, prompt.id, Share.EVERYONE)
        house.portal.prompts.set_starter(admin, prompt.id, True)
    house.portal.prompts.add(ana, "Mine", "Only mine")
    drawn = chat(house)
    [found] = menus(drawn)
    assert found[0][0] == ["Mine", "you", "Only mine"] and len(found[0]) == 3
    assert "Summarize a text" not in texts(drawn), "chosen starters take the place of the portal's own"
    drawn = next(each for each in drawn.button if "Summarize" in each.label).click().run()
    assert conversations(house, ana) == [] and menus(drawn)[0][2][0] == "Summarize the meeting with [client]."
    drawn = finish(house, ana, next(each for each in drawn.button if "Rewrite" in each.label).click().run())
    assert not drawn.exception and components(drawn, "seam")[0]["question"]["text"] == "Rewrite in our style."


def menus(drawn: AppTest) -> list[list]:
    protos = [each.proto for each in drawn.get("bidi_component")]
    return [json.loads(each.json) for each in protos if each.component_name.split(".")[-1] == "promptMenu"]
