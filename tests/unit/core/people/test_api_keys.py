from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.api_keys import MAX_ACTIVE, SHOWN_CHARS, ApiKeys, KeyTerms, is_api_key
from core.people.audit_records import AuditFilter
from core.people.records import KeyState, Role, Scope, SessionKind, User
from core.people.sessions import Proof, Sessions, token_hash
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

CHAT = KeyTerms(name="nightly report", scopes=frozenset({Scope.CHAT}))


@pytest.fixture
def keys(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> ApiKeys:
    return ApiKeys(unit_of_work, clock)


def test_a_key_is_its_person_with_its_scopes_and_limits(keys: ApiKeys, ana: User) -> None:
    scopes = frozenset({Scope.CHAT, Scope.FEEDBACK})
    terms = KeyTerms(name=" nightly\u00a0report ", scopes=scopes, requests_per_minute=9, tokens_per_minute=900)
    made = keys.make(ana, terms)
    found = keys.user(made.token)
    assert found is not None and found.id == ana.id and found.key is not None
    assert (found.key.scopes, found.key.requests_per_minute, found.key.tokens_per_minute) == (terms.scopes, 9, 900)
    assert made.key.name == "nightly report" and made.token.startswith(made.key.prefix) and len(made.key.prefix) == SHOWN_CHARS
    assert is_api_key(made.token)


def test_the_store_never_sees_the_key(keys: ApiKeys, ana: User, tmp_path: Path) -> None:
    made = keys.make(ana, CHAT)
    assert keys.user(made.token)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("portal.db*"))
    assert made.token.encode() not in written and token_hash(made.token).encode() in written


def test_two_keys_have_nothing_in_common(keys: ApiKeys, ana: User) -> None:
    assert len({keys.make(ana, CHAT).token for _ in range(20)}) == 20


def test_only_the_exact_key_counts(keys: ApiKeys, ana: User) -> None:
    token = keys.make(ana, CHAT).token
    for wrong in (token.upper(), token[:-1], token + "0", token + "\n", " " + token, token[:-1] + ("0" if token[-1] != "0" else "1")):
        assert keys.user(wrong) is None
    assert keys.user(token)


def test_a_key_ends_at_its_time(keys: ApiKeys, ana: User, clock: MovingClock) -> None:
    made = keys.make(ana, KeyTerms(name="a day", scopes=CHAT.scopes, days=1))
    clock.forward(hours=23, minutes=59)
    assert keys.user(made.token)
    clock.forward(minutes=1)
    assert keys.user(made.token) is None and keys.own(ana)[0].state(clock()) is KeyState.EXPIRED


def test_a_key_without_an_end_goes_on(keys: ApiKeys, ana: User, clock: MovingClock) -> None:
    made = keys.make(ana, KeyTerms(name="service", scopes=CHAT.scopes, days=None))
    clock.forward(days=4000)
    assert keys.user(made.token)


def test_revoking_and_disabling_and_a_new_role_hold_at_the_next_look(keys: ApiKeys, accounts: Accounts, admin: User, ana: User) -> None:
    first, second = keys.make(ana, CHAT), keys.make(ana, CHAT)
    keys.revoke(ana, first.key.id)
    assert keys.user(first.token) is None
    accounts.change(admin, "ana", role=Role.MANAGER)
    found = keys.user(second.token)
    assert found is not None and found.role is Role.MANAGER
    accounts.change(admin, "ana", active=False)
    assert keys.user(second.token) is None


def test_the_last_use_is_written_once_a_minute(keys: ApiKeys, ana: User, clock: MovingClock) -> None:
    made, began = keys.make(ana, CHAT), clock()
    assert keys.own(ana)[0].last_used_at is None
    for _ in range(3):
        keys.user(made.token)
        clock.forward(seconds=25)
    assert keys.own(ana)[0].last_used_at == began
    keys.user(made.token)
    assert keys.own(ana)[0].last_used_at == clock()


@pytest.mark.parametrize(
    "terms",
    [{"name": " "}, {"scopes": frozenset()}, {"days": 0}, {"days": 3651}, {"requests_per_minute": 0}, {"tokens_per_minute": -1}],
)
def test_wrong_terms_are_refused(terms: dict[str, object]) -> None:
    given: dict[str, object] = {"name": "x", "scopes": CHAT.scopes}
    with pytest.raises(InvalidInput):
        KeyTerms(**(given | terms))  # type: ignore[arg-type]


def test_nobody_makes_a_key_for_what_the_role_cannot_do(keys: ApiKeys, ana: User, admin: User) -> None:
    terms = KeyTerms(name="x", scopes=frozenset({Scope.CHAT, Scope.ADMIN}))
    with pytest.raises(InvalidInput, match="admin"):
        keys.make(ana, terms)
    assert keys.make(admin, terms)


def test_a_key_makes_renames_lists_and_revokes_no_keys(keys: ApiKeys, ana: User) -> None:
    made = keys.make(ana, CHAT)
    program = keys.user(made.token)
    assert program is not None
    for act in (lambda: keys.make(program, CHAT), lambda: keys.own(program), lambda: keys.rename(program, made.key.id, "mine")):
        with pytest.raises(NotAllowed, match="Sign in"):
            act()
    with pytest.raises(NotFound):
        keys.revoke(program, made.key.id)


def test_an_admin_finds_and_revokes_everybodys_keys_and_others_only_their_own(
    keys: ApiKeys, accounts: Accounts, admin: User, ana: User, clock: MovingClock
) -> None:
    ben = accounts.add(admin, "ben", Role.ANALYST, password="battery staple")
    anas = keys.make(ana, CHAT)
    clock.forward(seconds=1)
    bens = keys.make(ben, KeyTerms(name="100%", scopes=CHAT.scopes))
    assert [each.owner_name for each in keys.find(admin)] == ["ben", "ana"]
    for words, expected in ((anas.token, "ana"), (anas.key.prefix, "ana"), ("NIGHTLY", "ana"), ("ben", "ben"), ("0%", "ben"), ("%", "ben")):
        assert [each.owner_name for each in keys.find(admin, words)] == [expected], words
    assert keys.find(admin, "glmk_" + "0" * 64) == []
    with pytest.raises(NotAllowed):
        keys.find(ben)
    with pytest.raises(NotFound):
        keys.revoke(ben, anas.key.id)
    for somebody in (ben, admin):
        with pytest.raises(NotFound):
            keys.rename(somebody, anas.key.id, "x")
    keys.revoke(admin, anas.key.id)
    keys.revoke(admin, anas.key.id)
    assert keys.user(anas.token) is None and keys.user(bens.token)


def test_there_is_a_bound_to_active_keys(keys: ApiKeys, ana: User) -> None:
    made = [keys.make(ana, CHAT) for _ in range(MAX_ACTIVE)]
    with pytest.raises(Conflict, match="Revoke"):
        keys.make(ana, CHAT)
    keys.revoke(ana, made[0].key.id)
    assert keys.make(ana, CHAT)


def test_making_renaming_and_revoking_are_recorded_without_the_key(
    keys: ApiKeys, ana: User, admin: User, unit_of_work: UnitOfWorkFactory
) -> None:
    made = keys.make(ana, CHAT)
    keys.rename(ana, made.key.id, "weekly report")
    keys.revoke(admin, made.key.id)
    with unit_of_work() as work:
        events = [each.event for each in work.audit.find(AuditFilter(), 10) if each.event.action.startswith("key.")]
    assert [(each.action, each.actor_id, each.subject) for each in events] == [
        ("key.revoke", admin.id, made.key.prefix), ("key.rename", ana.id, made.key.prefix), ("key.make", ana.id, made.key.prefix),
    ]  # fmt: skip
    assert made.token not in str(events)


def test_the_cli_makes_a_key_for_an_active_person(keys: ApiKeys, accounts: Accounts, admin: User, ana: User) -> None:
    assert keys.user(keys.make_for("ANA", CHAT).token)
    accounts.change(admin, "ana", active=False)
    for name in ("ana", "nobody"):
        with pytest.raises(NotFound):
            keys.make_for(name, CHAT)


def test_a_session_token_is_never_taken_for_a_key(unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User) -> None:
    token = Sessions(unit_of_work, clock, timedelta(hours=1)).open(Proof(ana), SessionKind.API)
    assert not is_api_key(token)
