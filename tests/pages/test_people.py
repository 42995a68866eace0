from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotSignedIn
from core.people.api_keys import KeyTerms
from core.people.records import Role, Scope
from core.people.sessions import Proof
from core.people.signing_in.sign_in import Caller
from tests.pages.drawn import PASSWORD, House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def people(house: House, role: Role = Role.ADMIN) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.system import people

        people.render(portal, user)

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role))).run()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def fill(drawn: AppTest, label: str, value: str) -> None:
    next(each for each in drawn.text_input if each.label == label).set_value(value)


def choose(house: House, drawn: AppTest, role: Role) -> AppTest:
    return drawn.button(key=f"rrow-{house.person(role).id}").click().run()


def test_everybody_is_listed_with_role_and_group(house: House) -> None:
    drawn = people(house)
    assert not drawn.exception and "4 accounts, 4 active" in texts(drawn)
    assert sum((each.key or "").startswith("rrow-") for each in drawn.button) == 4


def test_the_search_looks_in_names_and_groups(house: House) -> None:
    house.portal.accounts.change(None, "manager", group="Risk")
    drawn = people(house)
    drawn.text_input(key="people-search").set_value("RISK").run()
    assert [each.key for each in drawn.button if (each.key or "").startswith("rrow-")] == [f"rrow-{house.person(Role.MANAGER).id}"]


def test_a_person_added_without_a_password_gets_one_that_is_shown_once(house: House) -> None:
    drawn = press(people(house), "Add a person")
    fill(drawn, "User name", "Mei")
    fill(drawn, "Full name", "Mei Lin")
    drawn = press(drawn, "Add")
    assert not drawn.exception and not drawn.error
    assert house.portal.sign_in.check("mei", drawn.code[0].value, Caller()).user.full_name == "Mei Lin"
    assert not drawn.run().code


def test_a_name_that_is_taken_is_said(house: House) -> None:
    drawn = press(people(house), "Add a person")
    fill(drawn, "User name", "analyst")
    drawn = press(drawn, "Add")
    assert len(drawn.error) == 1 and len(house.portal.accounts.people(None)) == 4


def test_a_role_is_changed_and_kept(house: House) -> None:
    drawn = choose(house, people(house), Role.ANALYST)
    drawn.selectbox[0].set_value(Role.MANAGER)
    drawn = press(drawn, "Save")
    assert not drawn.error and house.person(Role.ANALYST).role is Role.MANAGER


def test_the_last_admin_stays_one(house: House) -> None:
    drawn = choose(house, people(house), Role.ADMIN)
    drawn = press(drawn, "Disable")
    assert "only active admin" in drawn.error[0].value and house.person(Role.ADMIN).active


def test_disabling_ends_the_sessions_and_enabling_lets_in_again(house: House) -> None:
    user = house.person(Role.ANALYST)
    token = house.portal.sessions.redeem_ticket(house.portal.sessions.issue_ticket(Proof(user)))
    drawn = press(choose(house, people(house), Role.ANALYST), "Disable")
    assert house.portal.sessions.user(token) is None
    press(drawn, "Enable")
    assert house.portal.sign_in.check("analyst", PASSWORD, Caller())


def test_a_reset_password_replaces_the_old_one(house: House) -> None:
    drawn = press(choose(house, people(house), Role.ANALYST), "Reset password")
    assert house.portal.sign_in.check("analyst", drawn.code[0].value, Caller())
    with pytest.raises(NotSignedIn):
        house.portal.sign_in.check("analyst", PASSWORD, Caller())


def test_core_refuses_the_page_to_others(house: House) -> None:
    drawn = people(house, Role.MANAGER)
    assert drawn.exception and not drawn.button and not drawn.caption


def test_a_name_that_may_be_taken_for_another_is_marked_in_the_list_and_explained(house: House) -> None:
    house.portal.accounts.change(None, "analyst", full_name="Аdmin")
    drawn = people(house)
    marked = [each.label for each in drawn.button if (each.key or "").startswith("rrow-") and "Check this name" in each.label]
    assert len(marked) == 2, "the analyst, and the admin who is imitated"
    drawn = choose(house, drawn, Role.ANALYST)
    said = " ".join(each.value for each in drawn.markdown)
    assert "suggests a role that this person does not have" in said and "different scripts" in said


def test_an_admin_sees_and_finds_everybodys_keys(house: House) -> None:
    made = house.portal.api_keys.make(house.person(Role.ANALYST), KeyTerms(name="nightly report", scopes=frozenset({Scope.CHAT})))
    drawn = people(house)

    def listed() -> bool:
        return any(made.key.prefix in each.value.replace("\\", "") and "analyst" in each.value for each in drawn.markdown)

    drawn.button(key="people-keys").click().run()
    assert listed()
    drawn.text_input(key="keys-search").set_value(made.token[:-1] + ("0" if made.token[-1] != "0" else "1")).run()
    assert not listed()
    drawn.text_input(key="keys-search").set_value(made.token).run()
    assert listed() and not drawn.exception


def test_the_groups_that_a_reviewer_reviews_are_chosen_and_lifted(house: House) -> None:
    house.portal.accounts.change(None, "analyst", group="Risk")
    reviewer = house.person(Role.REVIEWER)
    drawn = choose(house, people(house), Role.REVIEWER)
    for groups, said in ((["Risk"], "only cases of these groups"), ([], "cases of all groups")):
        drawn.multiselect(key=f"reviews-{reviewer.id}-groups").set_value(groups)
        drawn = drawn.button(key=f"FormSubmitter:reviews-{reviewer.id}-Save groups").click().run()
        assert not drawn.exception and said in drawn.success[0].value
        assert house.person(Role.REVIEWER).review_groups == (frozenset(groups) or None)
    assert not choose(house, drawn, Role.ADMIN).multiselect, "whoever manages people reviews all of them"
