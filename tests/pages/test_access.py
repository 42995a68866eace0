from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.records import AtLimit, Holder, LimitRule, Measure, Period
from core.people.permissions import Permission, allows
from core.people.records import Role
from core.privacy.records import Action
from pages.widgets.people.privacy import note
from tests.pages.drawn import House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def drawn_page(house: House, name: str, role: Role = Role.ADMIN) -> AppTest:
    def page(portal: object, user: object, name: str) -> None:
        from tests.pages.seeded import page_module

        page_module(name).render(portal, user)

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role), name)).run()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def test_the_matrix_has_a_row_for_each_permission_and_a_column_for_each_role(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.roles.add(admin, "<b>auditor", {Permission.READ_AUDIT})
    group = house.portal.groups.add(admin, "R&D")
    house.portal.groups.change(admin, group.id, withheld={Permission.EXPORT})
    drawn = drawn_page(house, "access")
    assert not drawn.exception
    words = texts(drawn)
    assert words.count("scope='row'") == len(Permission) and "&lt;b&gt;auditor" in words and "<b>auditor" not in words
    assert "Not in R&amp;D" in words


def test_a_custom_role_is_made_and_removed_on_the_page(house: House) -> None:
    drawn = drawn_page(house, "access")
    next(each for each in drawn.text_input if each.label == "New role").set_value("Night desk")
    drawn = press(drawn, "Add role")
    assert not drawn.error and "night desk" in [role.name for role in house.portal.roles.all(house.person(Role.ADMIN))]
    drawn = press(drawn, "Remove role")
    assert not drawn.error and len(house.portal.roles.all(house.person(Role.ADMIN))) == len(Role)


def test_the_page_says_whether_somebody_may_do_it_and_why(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.accounts.change(admin, "analyst", group="Risk")
    house.portal.groups.change(admin, house.portal.groups.all(admin)[0].group.id, withheld={Permission.UPLOAD})
    drawn = drawn_page(house, "access")
    drawn.selectbox(key="verdict-person").set_value("analyst").run()
    assert "The role Analyst grants it." in texts(drawn)
    drawn.selectbox(key="verdict-permission").set_value(Permission.UPLOAD).run()
    assert "The group Risk withholds it." in texts(drawn)
    drawn.selectbox(key="verdict-permission").set_value(Permission.READ_AUDIT).run()
    assert "The role Analyst does not grant it." in texts(drawn)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.REVIEWER, Role.MANAGER])
def test_core_refuses_the_page_to_others(house: House, role: Role) -> None:
    drawn = drawn_page(house, "access", role)
    assert drawn.exception and not drawn.button and not drawn.selectbox


def test_a_group_gets_managers_and_withholds_features_on_the_people_page(house: House) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.accounts.change(admin, "analyst", group="Risk")
    group = house.portal.groups.all(admin)[0].group
    drawn = drawn_page(house, "people")
    drawn.segmented_control(key="people-view").set_value("groups").run()
    drawn.button(key=f"rrow-{group.id}").click().run()
    assert not drawn.exception
    drawn.multiselect(key=f"managers-{group.id}").set_value(["manager"])
    drawn.multiselect(key=f"withheld-{group.id}").set_value([Permission.UPLOAD])
    drawn = press(drawn, "Save")
    assert not drawn.error and not allows(house.person(Role.ANALYST), Permission.UPLOAD)
    assert house.portal.groups.get(admin, group.id).group.managers == ("manager",)


def test_a_manager_of_a_group_finds_its_members_under_preferences(house: House) -> None:
    admin = house.person(Role.ADMIN)
    group = house.portal.groups.add(admin, "Risk")
    house.portal.groups.change(admin, group.id, managers=["manager"])
    drawn = drawn_page(house, "account", Role.MANAGER)
    assert "Your group Risk" in texts(drawn)
    next(each for each in drawn.text_input if each.label == "User name").set_value("analyst")
    drawn = press(drawn, "Add to the group")
    assert not drawn.error and house.person(Role.ANALYST).group == "Risk"
    assert "Your group Risk" not in texts(drawn_page(house, "account", Role.ANALYST))


def test_a_limit_is_set_on_the_page_and_the_chat_shows_what_is_left_of_it(house: House) -> None:
    drawn = drawn_page(house, "access")
    drawn.segmented_control(key="access-view").set_value("limits").run()
    drawn.number_input(key="limit-amount").set_value(3)
    drawn = press(drawn, "Set limit")
    assert not drawn.exception and not drawn.error and "Questions per day: **3**" in texts(drawn)
    analyst = house.person(Role.ANALYST)
    for number in range(2):
        house.ask(analyst, f"Question {number}")
    assert "Questions per day: 1 of 3 left" in texts(drawn_page(house, "chat", Role.ANALYST))


def test_a_chat_over_its_limit_is_answered_by_the_other_model_or_refused(house: House) -> None:
    admin, analyst = house.person(Role.ADMIN), house.person(Role.ANALYST)
    other = house.portal.gateway.chat_models(analyst)[-1].name
    cheaper = {"measure": Measure.REQUESTS, "period": Period.MONTH, "at_limit": AtLimit.CHEAPER, "model": other}
    house.portal.limits.put(admin, LimitRule(id="a", holder=Holder.EVERYONE, amount=1, **cheaper))
    house.ask(analyst, "First")
    house.ask(analyst, "Second")
    assert house.router.requests[-1].model == other


def test_a_policy_is_set_on_the_page_and_the_author_sees_what_was_masked(house: House) -> None:
    admin, analyst = house.person(Role.ADMIN), house.person(Role.ANALYST)
    drawn = drawn_page(house, "access")
    drawn.segmented_control(key="access-view").set_value("privacy").run()
    drawn.selectbox(key="privacy-in-*").set_value(Action.MASK)
    drawn = press(drawn, "Save policy")
    assert not drawn.exception and not drawn.error
    assert [policy.input for policy in house.portal.privacy.policies(admin)] == [Action.MASK]
    assert note(house.portal.privacy.check(analyst, "Call 13800138000")).endswith("13800138000 → \\[PHONE\\]")
    chat = house.ask(analyst, "Call 13800138000")
    assert house.portal.conversations.transcript(analyst, chat)[0].message.text == "Call [PHONE]"
