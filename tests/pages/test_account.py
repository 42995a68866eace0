from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotSignedIn
from core.people.records import Role
from core.people.sign_in import Caller
from tests.pages.drawn import PASSWORD, House, build


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # AppTest gives every cookie a made-up value.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))
    made = build(tmp_path)
    yield made
    made.portal.close()


def preferences(house: House) -> AppTest:
    def page(portal: object, name: str) -> None:
        from pages import account

        account.render(portal, portal.accounts.credentials(name).user)  # type: ignore[attr-defined]

    return AppTest.from_function(page, default_timeout=20, args=(house.portal, "analyst")).run()


def change(drawn: AppTest, old: str, new: str, again: str) -> AppTest:
    for field, value in zip(drawn.text_input, (old, new, again), strict=True):
        field.set_value(value)
    return drawn.button[0].click().run()


def test_the_language_is_kept_with_the_person(house: House) -> None:
    drawn = preferences(house)
    assert drawn.radio[0].value == "browser"
    drawn.radio[0].set_value("zh").run()
    assert not drawn.exception and house.person(Role.ANALYST).language == "zh"
    drawn.radio[0].set_value("browser").run()
    assert house.person(Role.ANALYST).language is None


def test_a_changed_password_is_the_one_that_signs_in(house: House) -> None:
    drawn = change(preferences(house), PASSWORD, "another password", "another password")
    assert not drawn.error and drawn.success
    assert house.portal.sign_in.check("analyst", "another password", Caller())
    with pytest.raises(NotSignedIn):
        house.portal.sign_in.check("analyst", PASSWORD, Caller())


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", "another password", "another password", "Name and password do not match. Check both and try again."),
        (PASSWORD, "another password", "an other password", "The new passwords do not match. Enter the same one twice."),
        (PASSWORD, "short", "short", "A password needs at least 8 characters."),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(house: House, old: str, new: str, again: str, sentence: str) -> None:
    drawn = change(preferences(house), old, new, again)
    assert [each.value.replace("\\", "") for each in drawn.error] == [sentence]
    assert house.portal.sign_in.check("analyst", PASSWORD, Caller())
