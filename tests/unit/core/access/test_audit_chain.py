from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from core.access.audit_chain import AuditChain, Fault
from core.access.audit_digest import GENESIS, digest
from core.errors import NotAllowed
from core.operations.records import RetentionKind
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.audit_events import record_alone
from core.people.audit_records import AuditEvent
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from data.database import Database, open_database
from tests.unit.core.conftest import MovingClock

PASSWORD = "a long password"
Tamper = Callable[[str], None]


@pytest.fixture
def chain(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> AuditChain:
    return AuditChain(unit_of_work, clock)


@pytest.fixture
def database(unit_of_work: UnitOfWorkFactory, tmp_path: Path) -> Database:
    """Return a second way into the same database, for anyone who goes around the portal."""
    return open_database(f"sqlite:///{tmp_path}/portal.db")


@pytest.fixture
def tamper(database: Database) -> Tamper:
    def tamper(statement: str) -> None:
        with database.engine.begin() as connection:
            connection.execute(text(statement))

    return tamper


@pytest.fixture
def events(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    for number in range(5):
        record_alone(unit_of_work, clock(), None, "test.event", f"subject {number}", reason="名\x00")


@pytest.mark.usefixtures("events")
def test_what_the_portal_wrote_is_intact(chain: AuditChain) -> None:
    found = chain.verify(None)
    assert (found.events, found.fault) == (5, None) and found.head != GENESIS


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("statement", "fault", "number"),
    [
        ("UPDATE audit_events SET subject = 'other' WHERE number = 3", Fault.CHANGED, 3),
        ("UPDATE audit_events SET at = '2020-01-01 00:00:00.000000' WHERE number = 3", Fault.CHANGED, 3),
        ("UPDATE audit_events SET actor_id = 'eve' WHERE number = 1", Fault.CHANGED, 1),
        ("UPDATE audit_events SET details = '{}' WHERE number = 2", Fault.CHANGED, 2),
        ("DELETE FROM audit_events WHERE number = 3", Fault.MISSING, 4),
        ("DELETE FROM audit_events WHERE number = 1", Fault.MISSING, 2),
        ("UPDATE audit_events SET hash = NULL WHERE number = 5", Fault.UNCHAINED, 5),
        (
            "INSERT INTO audit_events (number, at, action, subject, details) VALUES (9, '2026-11-21 12:00:00.000000', 'x', 'y', '{}')",
            Fault.UNCHAINED,
            9,
        ),
    ],
)
def test_what_somebody_changed_is_found(chain: AuditChain, tamper: Tamper, statement: str, fault: Fault, number: int) -> None:
    tamper(statement)
    found = chain.verify(None)
    assert (found.fault, int(found.event_id or 0)) == (fault, number)


@pytest.mark.usefixtures("events")
def test_events_cut_off_at_the_end_are_found_with_a_head_that_was_noted(chain: AuditChain, tamper: Tamper) -> None:
    noted = chain.verify(None).head
    assert chain.verify(None, noted).fault is None
    tamper("DELETE FROM audit_events WHERE number = 5")
    assert chain.verify(None).fault is None, "nothing in the database says that there was one more"
    assert chain.verify(None, noted).fault is Fault.CUT


def test_what_a_retention_rule_removed_leaves_the_chain_intact(
    chain: AuditChain, accounts: Accounts, unit_of_work: UnitOfWorkFactory, clock: MovingClock, tamper: Tamper
) -> None:
    admin = accounts.add(None, "root", Role.ADMIN, password=PASSWORD)
    accounts.add(None, "ann", Role.ANALYST, password=PASSWORD)
    retention = Retention(unit_of_work, clock)
    retention.place_hold(admin, "ann", "case 4711")
    record_alone(unit_of_work, clock(), None, "test.event", "one")
    retention.set_rule(admin, RetentionKind.AUDIT, "*", 180)
    clock.forward(days=181)
    record_alone(unit_of_work, clock(), None, "test.event", "two")
    assert retention.apply() > 1
    assert chain.verify(None).fault is None
    clock.forward(days=181)
    retention.lift_hold(admin, "ann")
    assert retention.apply() > 1
    found = chain.verify(None)
    assert (found.fault, found.events) == (None, 3), "two proofs and the hold that was lifted"
    tamper("DELETE FROM audit_events WHERE action = 'hold.lift'")
    assert chain.verify(None).fault is Fault.MISSING


def test_events_of_the_previous_release_are_chained_by_the_next_one(
    chain: AuditChain, unit_of_work: UnitOfWorkFactory, clock: MovingClock, tamper: Tamper
) -> None:
    record_alone(unit_of_work, clock(), None, "test.event", "one")
    for number in (2, 3):
        values = f"({number}, '2026-11-21 12:00:00.000000', 'old.event', 'x', '{{}}')"
        tamper(f"INSERT INTO audit_events (number, at, action, subject, details) VALUES {values}")
    record_alone(unit_of_work, clock(), None, "test.event", "two")
    found = chain.verify(None)
    assert (found.events, found.fault) == (4, None)


def test_writers_at_the_same_time_make_one_chain(chain: AuditChain, unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    def write(name: int) -> None:
        for _ in range(5):
            record_alone(unit_of_work, clock(), None, "test.event", str(name))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = chain.verify(None)
    assert (found.events, found.fault) == (30, None)


def test_a_change_that_is_rolled_back_leaves_no_event(chain: AuditChain, unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    with unit_of_work() as work:
        work.audit.add(AuditEvent(clock(), None, "test.event", "never", {}))
    assert chain.verify(None).events == 0


def test_the_form_that_is_hashed_stays_as_it_is() -> None:
    event = AuditEvent(datetime.fromisoformat("2026-11-21T13:00:00+01:00"), "a1", "user.add", "bo", {"名": "值", "a": "b"})
    assert digest(GENESIS, event) == "3c8fbf2e737595cb0195b9c23e0e0edb4981da5831c19fbc8d14fb69fbd220cd"


def test_only_those_who_read_the_audit_verify_it(chain: AuditChain, accounts: Accounts) -> None:
    ann: User = accounts.add(None, "ann", Role.ANALYST, password=PASSWORD)
    with pytest.raises(NotAllowed):
        chain.verify(ann)
    with pytest.raises(NotAllowed):
        chain.last(ann)
