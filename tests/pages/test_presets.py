from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed
from core.inference.offers import Preset
from core.people.records import Role
from core.prompts.records import Share
from pages.widgets.chat.composer.composer import model_title
from tests.pages.drawn import House, build

NOW = datetime(2026, 11, 2, tzinfo=UTC)
LEGAL = Preset(name="legal", model="fake", title="Legal helper", system_prompt="You know contracts.", created_at=NOW, updated_at=NOW)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def drawn(house: House, chosen: str | None = None, role: Role = Role.ADMIN) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.models import presets

        presets.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role)))
    if chosen:
        test.session_state["presets_chosen"] = chosen
    return test.run()


def test_an_admin_writes_and_publishes_a_preset(house: House) -> None:
    page = drawn(house, "+")
    page.text_input("preset-name").input("legal")
    page.text_input("title-+").input("Legal helper")
    page.text_area("system-+").input("You know contracts.")
    page.number_input("temperature-+").set_value(0.2)
    next(each for each in page.button if each.label == "Save as a draft").click().run()
    assert not page.exception and "Saved as a draft" in page.success[0].value
    saved = house.portal.presets.get(house.person(Role.ADMIN), "legal")
    assert (saved.title, saved.params.temperature, saved.published) == ("Legal helper", 0.2, False)
    page.button("preset-publish").click().run()
    assert [model.name for model in house.portal.gateway.chat_models(house.person(Role.ANALYST))] == ["fake", "legal"]


def test_a_preset_reads_a_collection_and_says_who_may_not(house: House) -> None:
    admin = house.person(Role.ADMIN)
    made = house.portal.collections.add(admin, "House *style*")
    house.portal.presets.save(admin, LEGAL)
    page = drawn(house, "legal")
    page.multiselect("documents-legal").set_value([made.id])
    next(each for each in page.button if each.label == "Save").click().run()
    assert not page.exception and house.portal.presets.get(admin, "legal").collections == (made.id,)
    assert any("Not everyone may read" in each.value for each in page.caption)
    house.portal.collections.share(admin, made.id, Share.EVERYONE)
    assert not any("Not everyone may read" in each.value for each in page.run().caption)


def test_a_name_that_is_taken_is_refused_in_words(house: House) -> None:
    house.portal.presets.save(house.person(Role.ADMIN), LEGAL)
    page = drawn(house, "+")
    page.text_input("preset-name").input("legal")
    next(each for each in page.button if each.label == "Save as a draft").click().run()
    assert "exists already" in page.error[0].value


def test_tools_that_are_no_json_are_refused(house: House) -> None:
    house.portal.presets.save(house.person(Role.ADMIN), LEGAL)
    page = drawn(house, "legal")
    page.text_area("tools-legal").input("look_up()")
    next(each for each in page.button if each.label == "Save").click().run()
    assert "not a JSON list of functions" in page.error[0].value


def test_a_group_gets_its_default_model(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.accounts.change(admin, "analyst", group="Risk")
    house.portal.presets.save(admin, LEGAL)
    page = drawn(house)
    page.selectbox("groupmodel-Risk").select("legal").run()
    assert dict(house.portal.model_access.group_models(admin)) == {"Risk": "legal"}


def test_a_restricted_preset_is_marked(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.presets.save(admin, LEGAL)
    house.portal.model_access.restrict(admin, "legal", [Role.MANAGER], ["Risk"])
    page = drawn(house, "legal")
    assert "Restricted" in " ".join(each.label for each in page.button)
    assert "Only for: Manager, Risk" in [each.value for each in page.caption]


def test_the_chats_picker_offers_a_published_preset_by_its_title(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.presets.save(admin, LEGAL)
    house.portal.presets.publish(admin, "legal", published=True)
    [_, preset] = house.portal.gateway.chat_models(house.person(Role.ANALYST))
    assert model_title(preset, preset.name) == "Legal helper"
    with pytest.raises(NotAllowed):
        house.portal.presets.list(house.person(Role.MANAGER))
