"""Read-only links to snapshots: who may open them, for how long, and what they show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.access.groups import Groups
from core.chat.conversations import Conversations
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.permissions import Permission
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.sharing.shares import MAX_LINKS, Shares
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock, NoIndex


@pytest.fixture
def shares(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Shares:
    return Shares(unit_of_work, clock, PrivacyFilter(unit_of_work, clock))


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.add(None, "bob", Role.ANALYST, password="correct horse", group="Sales")


@pytest.fixture
def chat(unit_of_work: UnitOfWorkFactory, clock: MovingClock, turns: Turns, router: FakeRouter, ana: User) -> str:
    made = Conversations(unit_of_work, NoIndex(), clock).new(ana, "Rates of ana@example.com").id
    router.next_answers.put(answer("Call +86 138 0013 8000", reasoning="A secret thought"))
    finished(turns, ana, turns.start(ana, made, "Whom do I call?", TurnOptions(), "r1"))
    return made


def group_id(unit_of_work: UnitOfWorkFactory, name: str) -> str:
    with unit_of_work() as work:
        return next(each.id for each in work.groups.all() if each.name == name)


def test_everybody_reads_the_snapshot_and_not_what_came_later(
    shares: Shares, turns: Turns, router: FakeRouter, ana: User, bob: User, chat: str
) -> None:
    made = shares.create(ana, chat)
    router.next_answers.put(answer("Later"))
    finished(turns, ana, turns.start(ana, chat, "And then?", TurnOptions(), "r2"))
    found = shares.open(bob, made.id)
    assert [each.text for each in found.messages] == ["Whom do I call?", "Call +86 138 0013 8000"]
    assert found.owner == ana.full_name
    assert found.messages[1].model == "fake"


def test_personal_data_is_masked_where_the_owner_asks_for_it(shares: Shares, ana: User, bob: User, chat: str) -> None:
    found = shares.open(bob, shares.create(ana, chat, masked=True).id)
    assert found.share.title == "Rates of [E-MAIL]"
    assert found.messages[1].text == "Call [PHONE]"


def test_a_link_for_a_group_opens_for_its_members_and_its_owner_alone(
    shares: Shares, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User, bob: User, chat: str
) -> None:
    sales, groups = group_id(unit_of_work, "Sales"), Groups(unit_of_work, clock)
    assert [each.name for each in shares.audiences(ana)] == ["Risk"]
    with pytest.raises(NotFound):
        shares.create(ana, chat, group_id=sales)
    groups.change(admin, sales, managers=[ana.name])
    assert [each.name for each in shares.audiences(ana)] == ["Risk", "Sales"]
    made = shares.create(ana, chat, group_id=sales)
    assert made.group == "Sales"
    shares.open(bob, made.id)
    shares.open(ana, made.id)
    for stranger in (admin, replace(bob, group=""), replace(bob, group="Risk")):
        with pytest.raises(NotFound, match="There is nothing here"):
            shares.open(stranger, made.id)
    groups.remove_member(admin, made.group_id or "", "bob")
    groups.remove(admin, made.group_id or "")
    with pytest.raises(NotFound, match="There is nothing here"):
        shares.open(replace(bob, group=""), made.id)


def test_a_link_ends_with_its_time_its_revocation_its_chat_and_its_owner(
    shares: Shares, unit_of_work: UnitOfWorkFactory, clock: MovingClock, accounts: Accounts, admin: User, ana: User, bob: User, chat: str
) -> None:
    short, revoked, kept = (shares.create(ana, chat, days=days) for days in (1, 30, None))
    shares.revoke(ana, revoked.id)
    clock.forward(days=1)
    assert [each.id for each in shares.of_conversation(ana, chat)] == [kept.id]
    for gone in (short.id, revoked.id, "0" * 32):
        with pytest.raises(NotFound, match="There is nothing here"):
            shares.open(bob, gone)
    shares.open(bob, kept.id)
    accounts.change(admin, ana.name, active=False)
    with pytest.raises(NotFound, match="There is nothing here"):
        shares.open(bob, kept.id)
    Conversations(unit_of_work, NoIndex(), clock).delete(ana, chat)
    with unit_of_work() as work:
        assert work.shares.get(kept.id) is None


def test_expired_snapshots_are_deleted_and_a_legal_hold_keeps_even_revoked_ones(
    shares: Shares, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User, bob: User, chat: str
) -> None:
    retention = Retention(unit_of_work, clock)
    short, revoked = shares.create(ana, chat, days=1), shares.create(ana, chat)
    retention.place_hold(admin, ana.name, "a case")
    shares.revoke(ana, revoked.id)
    with pytest.raises(NotFound):
        shares.open(bob, revoked.id)
    clock.forward(days=3)
    assert retention.remove_expired_shares() == 0
    retention.lift_hold(admin, ana.name)
    assert retention.remove_expired_shares() == 2
    with unit_of_work() as work:
        assert work.shares.get(short.id) is None


def test_nobody_else_shares_lists_or_revokes(shares: Shares, ana: User, bob: User, admin: User, chat: str) -> None:
    made = shares.create(ana, chat)
    for other in (bob, admin):
        with pytest.raises(NotFound):
            shares.create(other, chat)
        with pytest.raises(NotFound):
            shares.of_conversation(other, chat)
        with pytest.raises(NotFound):
            shares.revoke(other, made.id)
    with pytest.raises(NotAllowed):
        shares.create(replace(ana, withheld=frozenset({Permission.EXPORT})), chat)


def test_what_cannot_be_shared_says_why(
    shares: Shares, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, chat: str
) -> None:
    with pytest.raises(InvalidInput, match="nothing to share"):
        shares.create(ana, Conversations(unit_of_work, NoIndex(), clock).new(ana).id)
    with pytest.raises(InvalidInput, match="days"):
        shares.create(ana, chat, days=0)
    for _ in range(MAX_LINKS):
        shares.create(ana, chat)
    with pytest.raises(InvalidInput, match="Revoke one first"):
        shares.create(ana, chat)


def test_a_running_answer_is_not_shared(shares: Shares, turns: Turns, router: FakeRouter, ana: User, chat: str) -> None:
    router.hold()
    turn = turns.start(ana, chat, "And then?", TurnOptions(), "r2")
    with pytest.raises(Conflict):
        shares.create(ana, chat)
    router.release()
    finished(turns, ana, turn)
    assert shares.create(ana, chat)


def test_sharing_and_revoking_are_in_the_audit_log(shares: Shares, unit_of_work: UnitOfWorkFactory, ana: User, chat: str) -> None:
    shares.revoke(ana, shares.create(ana, chat).id)
    with unit_of_work() as work:
        noted = [work.audit.find(AuditFilter(action=action), 10, None) for action in ("share.create", "share.revoke")]
    assert [(each.event.actor_id, each.event.subject) for [each] in noted] == [(ana.id, chat)] * 2
