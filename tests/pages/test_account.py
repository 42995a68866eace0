from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from core.access.records import Holder, LimitRule, Measure, Period
from core.chat.turns import TurnOptions
from core.errors import NotSignedIn
from core.identity import totp
from core.people.records import Origin, Role, SessionKind
from core.people.sessions import Proof, token_hash
from core.people.signing_in.sign_in import Caller
from tests.pages.drawn import PASSWORD, House, build
from tests.pages.seeded import texts

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
    "curl/8.5.0",
)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # AppTest gives every cookie a made-up value.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))
    made = build(tmp_path)
    yield made
    made.portal.close()


def opened(house: House, tab: str = "Profile", name: str = "analyst") -> AppTest:
    def page(portal: object, name: str) -> None:
        from pages.account import account

        account.render(portal, portal.accounts.credentials(name).user)  # type: ignore[attr-defined]

    drawn = AppTest.from_function(page, default_timeout=60, args=(house.portal, name))
    drawn.query_params["tab"] = tab
    return drawn.run()


def change(drawn: AppTest, old: str, new: str, again: str) -> AppTest:
    for field, value in zip(drawn.text_input, (old, new, again), strict=True):
        field.set_value(value)
    return drawn.button[0].click().run()


def test_the_language_is_kept_with_the_person(house: House) -> None:
    drawn = opened(house)
    assert drawn.radio[0].value == "browser"
    drawn.radio[0].set_value("zh").run()
    assert not drawn.exception and house.person(Role.ANALYST).language == "zh"
    drawn.radio[0].set_value("browser").run()
    assert house.person(Role.ANALYST).language is None


def test_a_changed_password_is_the_one_that_signs_in(house: House) -> None:
    drawn = change(opened(house, "Security"), PASSWORD, "another password", "another password")
    assert not drawn.error and drawn.success
    assert house.portal.sign_in.check("analyst", "another password", Caller())
    with pytest.raises(NotSignedIn):
        house.portal.sign_in.check("analyst", PASSWORD, Caller())


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", "another password", "another password", "The current password is wrong. Enter it again."),
        (PASSWORD, "another password", "an other password", "The new passwords do not match. Enter the same one twice."),
        (PASSWORD, "short", "short", "A password needs at least 8 characters."),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(house: House, old: str, new: str, again: str, sentence: str) -> None:
    drawn = change(opened(house, "Security"), old, new, again)
    assert [each.value.replace("\\", "") for each in drawn.error] == [sentence]
    assert house.portal.sign_in.check("analyst", PASSWORD, Caller())


def test_a_new_key_is_shown_once_and_then_only_listed(house: House) -> None:
    drawn = opened(house, "API keys")
    assert "You have no API keys yet." in [each.value for each in drawn.markdown]
    drawn.button(key="key-new").click().run()
    drawn.text_input(key="key-name").set_value("nightly *report*").run()
    drawn.button(key="key-make").click().run()
    assert not drawn.exception
    code = drawn.code[0]
    found = house.portal.api_keys.user(code.value)
    assert code.value in drawn.code[-1].value, "the snippet for programs is filled in"
    assert found is not None and found.name == "analyst"
    drawn.button(key="key-copied").click().run()
    [key] = house.portal.api_keys.own(house.person(Role.ANALYST))
    assert all(code.value not in each.value for each in drawn.code) and key.name == "nightly *report*" and key.expires_at is not None
    row = next(each.value for each in drawn.markdown if key.prefix in each.value.replace("\\", ""))
    assert row.startswith(r"nightly \*report\*") and "Chat" in row and "last used just now" in row


def test_only_scopes_that_the_role_can_use_are_offered(house: House) -> None:
    everything = ["Chat", "Run models", "Feedback", "Usage", "Administration"]
    for role, offered in ((Role.ANALYST, ["Chat", "Feedback"]), (Role.ADMIN, everything)):
        drawn = opened(house, "API keys", role.value)
        drawn.button(key="key-new").click().run()
        assert drawn.button_group(key="key-scopes").options == offered


def test_security_lists_where_one_is_signed_in_and_ends_it(house: House) -> None:
    analyst = house.person(Role.ANALYST)
    tokens = [house.portal.sessions.open(Proof(analyst), SessionKind.BROWSER, Origin("192.0.2.1", agent)) for agent in AGENTS]
    drawn = opened(house, "Security")
    assert not drawn.exception
    rows = " ".join(each.value for each in drawn.markdown).replace("\\", "")
    assert all(word in rows for word in ("Firefox on Linux", "Edge on Windows", "curl", "192.0.2.1"))
    drawn.button(key=f"session-end-{token_hash(tokens[0])[:32]}").click().run()
    assert house.portal.sessions.user(tokens[0]) is None and house.portal.sessions.user(tokens[1]) is not None
    drawn.button(key="sessions-others").click().run()
    assert house.portal.sessions.user(tokens[1]) is None and not drawn.exception


def test_a_second_factor_is_set_up_with_a_code_and_shows_its_recovery_codes_once(house: House) -> None:
    drawn = opened(house, "Security")
    drawn.button(key="factor-set-up").click().run()
    secret = drawn.code[0].value
    drawn.text_input(key="factor-code").set_value("1")
    next(each for each in drawn.button if each.label == "Turn on").click().run()
    assert drawn.error and not house.portal.second_factors.needed(house.person(Role.ANALYST))
    drawn.text_input(key="factor-code").set_value(totp.code_at(secret, totp.step_of(datetime.now(UTC))))
    next(each for each in drawn.button if each.label == "Turn on").click().run()
    assert not drawn.exception and house.portal.second_factors.needed(house.person(Role.ANALYST))
    assert len(drawn.session_state["second-factor-codes"]) == 10


def test_what_a_program_needs_is_shown_with_a_snippet_to_copy(house: House) -> None:
    drawn = opened(house, "API keys")
    address, snippet = drawn.code[0].value, drawn.code[-1].value
    assert address.endswith("/v1") and address in snippet and drawn.selectbox(key="programs-model").value in snippet
    drawn.button_group(key="programs-snippet").set_value("Claude Code").run()
    assert not drawn.exception
    assert f"ANTHROPIC_BASE_URL={address.removesuffix('/v1')}\n" in drawn.code[-1].value


def test_own_instructions_are_written_under_profile(house: House) -> None:
    drawn = opened(house)
    box = next(each for each in drawn.text_area if each.key == "instructions-own")
    save = next(each for each in drawn.button if each.key == "instructions-save-own")
    assert save.disabled
    box.set_value("Answer briefly.").run()
    next(each for each in drawn.button if each.key == "instructions-save-own").click().run()
    assert not drawn.exception and house.portal.instructions.own(house.person(Role.ANALYST)) == "Answer briefly."


def test_a_manager_of_a_group_writes_its_instructions(house: House) -> None:
    admin = house.person(Role.ADMIN)
    group = house.portal.groups.add(admin, "Desk")
    house.portal.groups.change(admin, group.id, managers=["manager"])
    drawn = opened(house, name="manager")
    next(each for each in drawn.text_area if each.key == f"instructions-{group.id}").set_value("Quote no prices.").run()
    next(each for each in drawn.button if each.key == f"instructions-save-{group.id}").click().run()
    assert not drawn.exception and house.portal.instructions.of_group(admin, group.id) == "Quote no prices."
    assert not [each for each in opened(house).text_area if each.key != "instructions-own"], "others do not see it"


def test_a_person_decides_whether_their_chats_improve_models(house: House) -> None:
    analyst = house.person(Role.ANALYST)
    drawn = opened(house)
    assert not drawn.toggle(key="training-False").value and "This is the default of your group" in str([c.value for c in drawn.caption])
    drawn.toggle(key="training-False").set_value(True).run()
    assert house.portal.training_consent.get(analyst).agreed and drawn.toggle(key="training-True").value
    drawn.button(key="training-default").click().run()
    assert not drawn.exception and not house.portal.training_consent.get(analyst).own


def test_the_usage_tab_shows_own_answers_and_what_is_left_of_the_limits(house: House) -> None:
    ana, admin = house.person(Role.ANALYST), house.person(Role.ADMIN)
    drawn = opened(house, "Usage")
    assert not drawn.exception and "No answers in the last four weeks" in texts(drawn) and "No limits apply to you." in texts(drawn)
    turn = house.portal.turns.start(ana, house.portal.conversations.new(ana).id, "Hello", TurnOptions(), "r-1")
    house.settle(ana, turn.id)
    rule = LimitRule(id=uuid4().hex, holder=Holder.EVERYONE, measure=Measure.REQUESTS, period=Period.DAY, amount=100)
    house.portal.limits.put(admin, rule)
    drawn = opened(house, "Usage")
    assert not drawn.exception and "left" in str([each.proto for each in drawn.get("progress")])


def test_the_old_address_of_the_memories_opens_their_tab(house: House) -> None:
    assert [each.label for each in opened(house).tabs] == ["Profile", "Security", "API keys", "Usage", "Memories"]
    drawn = opened(house, "Memories")
    assert not drawn.exception and "Nothing is remembered yet" in texts(drawn)
