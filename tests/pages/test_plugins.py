from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role
from tests.pages.drawn import House, build
from tests.plugin_maker import install_module

SECTION = """
from core.plugins.hookspecs import PageSection, SectionPage, hookimpl

@hookimpl
def page_sections():
    return [PageSection(SectionPage.ACCOUNT, "House <rules>", lambda person: "Be **kind**. ![x](https://evil.example/x.png)")]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    site = tmp_path / "site"
    install_module(site, "rules", SECTION, version="2.0", summary="The *rules* of the house")
    install_module(site, "sick", "raise RuntimeError('set KEY first')")
    monkeypatch.syspath_prepend(str(site))
    made = build(tmp_path / "home")
    yield made
    made.portal.close()
    for name in ("plugin_rules", "plugin_sick"):
        sys.modules.pop(name, None)


def drawn(house: House, role: Role = Role.ADMIN, page: str = "plugins") -> AppTest:
    def draw(portal: object, user: object, page: str) -> None:
        from tests.pages.seeded import page_module

        page_module(page).render(portal, user)

    return AppTest.from_function(draw, default_timeout=60, args=(house.portal, house.person(role), page)).run()


def test_an_admin_turns_on_a_plugin_for_a_group(house: House) -> None:
    admin = house.person(Role.ADMIN)
    group = house.portal.groups.add(admin, "Lending")
    page = drawn(house)
    words = "\n".join(each.value for each in page.markdown)
    assert "### pdf" in words and "### rules" in words and r"portal\-rules" in words and r"The \*rules\* of the house" in words
    page.selectbox("plugin-rules-state").set_value("groups").run()
    page.multiselect("plugin-rules-groups").set_value(["Lending"]).run()
    page.button("plugin-rules-save").click().run()
    assert not page.exception
    assert "A section on a page: House" in "\n".join(each.value for each in page.markdown)
    assert not any("House" in each.value for each in drawn(house, Role.ANALYST, "account").markdown)
    house.portal.groups.put_member(admin, group.id, house.person(Role.ANALYST).name)
    account = "\n".join(each.value for each in drawn(house, Role.ANALYST, "account").markdown)
    assert "House" in account and "Be **kind**" in account and "evil.example/x.png)" not in account


def test_a_plugin_that_cannot_be_imported_says_why_and_stays_off(house: House) -> None:
    page = drawn(house)
    page.selectbox("plugin-sick-state").set_value("everyone").run()
    page.button("plugin-sick-save").click().run()
    assert any("set KEY first" in each.value for each in page.markdown)
    assert not house.portal.plugins.list(house.person(Role.ADMIN))[-1].state.is_on


def test_the_export_dialog_offers_the_formats_of_plugins(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.plugins.change(admin, "pdf", everyone=True)
    chat = house.portal.conversations.new(admin).id

    def draw(portal: object, user: object, chat: str) -> None:
        from pages.widgets.chat.sidebar import dialogs

        dialogs.show("export", [chat])
        dialogs.draw(portal, user)

    page = AppTest.from_function(draw, default_timeout=60, args=(house.portal, admin, chat)).run()
    assert not page.exception
    assert "PDF" in page.get("button_group")[0].options
