"""Forms keep what a person typed when they are refused, and are empty once they were carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.people.records import Role
from tests.pages.drawn import PASSWORD, House, build

PAGES = Path(__file__).parents[2] / "pages"


@dataclass(frozen=True, kw_only=True)
class Form:
    """refused and accepted: what to type, by label. to_open: the key of a button to press first, after choosing `view`. state: of the
    session at the start."""

    page: str
    button: str
    refused: Mapping[str, str]
    accepted: Mapping[str, str] = field(default_factory=dict)
    to_open: str = ""
    view: tuple[str, str] = ("", "")
    tab: str = ""
    state: Mapping[str, object] = field(default_factory=dict)


FORMS = {
    "person": Form(
        page="people", to_open="people-add", button="Add",
        refused={"User name": "analyst", "Full name": "Ann Lyst", "Password": "a good password"},
        accepted={"User name": "mei", "Full name": "Mei Lin", "Password": "a good password"},
    ),
    "password of a person": Form(
        page="people", to_open="rrow-analyst", button="Reset password", refused={"New password": "short"},
        accepted={"New password": "a good password"},
    ),
    "group": Form(
        page="people", view=("people-view", "groups"), button="Add", refused={"New group": "Risk"}, accepted={"New group": "Legal"},
    ),
    "role": Form(page="access", button="Add role", refused={"New role": "admin"}, accepted={"New role": "night desk"}),
    "member": Form(
        page="account", tab="Profile", button="Add to the group", refused={"User name": "nobody"},
        accepted={"User name": "reviewer"},
    ),
    "own password": Form(
        page="account", tab="Security", button="Change password",
        refused={"Current password": "wrong", "New password": "another one", "Repeat new password": "another one"},
        accepted={"Current password": PASSWORD, "New password": "another one", "Repeat new password": "another one"},
    ),
    "memory": Form(
        page="account", tab="Memories", button="Remember", refused={"Fact": "  "}, accepted={"Fact": "The user works on bonds."},
    ),
    "prompt": Form(page="prompts", to_open="prompts-new", button="Save", refused={"Title": "A prompt without a text"}),
    "preset": Form(
        page="presets", to_open="presets-new", button="Save as a draft",
        refused={"Name": "no spaces, please", "System prompt": "Be brief."},
    ),
    "platform": Form(
        page="platforms", view=("platforms_edit_view", "form"), button="Put into the text",
        state={
            "platforms_view": "edit", "platforms_text": "platforms: [{name: a, type: ollama, base_url: 'http://a'}]", "platforms_base": 0,
            "platforms_form_chosen": "",
        },
        refused={"Name": "gateway", "Address": "https://models.example/v1", "Seconds for an answer": "60"},
    ),
    "legal hold": Form(
        page="store", button="Place hold", refused={"User name": "nobody", "Reason": "Case 12"},
        accepted={"User name": "analyst", "Reason": "Case 12"},
    ),
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # AppTest gives every cookie a made-up value.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))
    made = build(tmp_path)
    admin = made.person(Role.ADMIN)
    risk = made.portal.groups.add(admin, "Risk")
    made.portal.groups.change(admin, risk.id, managers=[admin.name])
    yield made
    made.portal.close()


def opened(house: House, form: Form) -> AppTest:
    def page(portal: object, name: str) -> None:
        from tests.pages.seeded import page_module

        page_module(name).render(portal, portal.accounts.credentials("admin").user)  # type: ignore[attr-defined]

    drawn = AppTest.from_function(page, default_timeout=60, args=(house.portal, form.page))
    if form.tab:
        drawn.query_params["tab"] = form.tab
    for key, value in form.state.items():
        drawn.session_state[key] = value
    drawn.run()
    view, chosen = form.view
    if view:
        drawn.segmented_control(view).set_value(chosen).run()
    return press_to_open(house, drawn, form)


def press_to_open(house: House, drawn: AppTest, form: Form) -> AppTest:
    if form.to_open:
        drawn.button(form.to_open.replace("analyst", house.person(Role.ANALYST).id)).click().run()
    return drawn


def send(drawn: AppTest, form: Form, typed: Mapping[str, str]) -> AppTest:
    for label, value in typed.items():
        box(drawn, label).set_value(value)
    return next(each for each in drawn.button if each.label == form.button).click().run()


def box(drawn: AppTest, label: str) -> Any:
    return next(each for each in (*drawn.text_input, *drawn.text_area) if each.label == label)


@pytest.mark.parametrize("name", FORMS)
def test_what_was_typed_survives_a_refusal_and_leaves_with_what_it_asked_for(house: House, name: str) -> None:
    form = FORMS[name]
    drawn = opened(house, form)
    drawn = send(drawn, form, form.refused)
    assert not drawn.exception
    assert refusals(drawn) and {label: box(drawn, label).value for label in form.refused} == form.refused
    if form.accepted:
        drawn = send(drawn, form, form.accepted)
        assert not drawn.exception and not refusals(drawn)
        press_to_open(house, drawn, form)
        assert {label: box(drawn, label).value for label in form.accepted} == dict.fromkeys(form.accepted, "")


def refusals(drawn: AppTest) -> list[str]:
    return [each.value for each in (*drawn.error, *drawn.markdown) if each.type == "error" or ":red[:material/error:" in each.value]


def test_no_form_is_left_to_streamlit_to_empty() -> None:
    """Streamlit empties it in the browser before the portal has accepted anything."""
    assert [str(path) for path in PAGES.rglob("*.py") if "clear_on_submit=" in path.read_text("utf-8")] == []
