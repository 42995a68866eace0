"""Known and unknown names cost the same: as many hashes, with the same parameters. `./portal bench sign_in_times` measures the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import NotSignedIn
from core.people.accounts import Accounts
from core.people.records import Role
from core.people.signing_in.sign_in import Caller, SignIn, open_pool
from data.database import Database
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from tests.migrated import migrated_sqlite
from tests.unit.core.conftest import MovingClock

NAMES = ("ana", "gone", "nobody-of-this-name", "a name that no account can have")
"""An account, a disabled account, and names without one."""


class CountedWork(Argon2Hasher):
    """Keeps the method and parameters of each hash that is computed."""

    def __init__(self) -> None:
        super().__init__(1, 8)
        self.done: list[str] = []

    def matches(self, password: str, password_hash: str) -> bool:
        self.done.append(password_hash.rsplit("$", 2)[0])
        return super().matches(password, password_hash)

    def hash(self, password: str) -> str:
        self.done.append("hash")
        return super().hash(password)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = migrated_sqlite(tmp_path / "portal.db")
    yield made
    made.close()


@pytest.fixture
def work(database: Database) -> Iterator[tuple[SignIn, CountedWork]]:
    hasher, clock, pool = CountedWork(), MovingClock(), open_pool(1)
    accounts = Accounts(lambda: SqlUnitOfWork(database), hasher, clock)
    admin = accounts.add(None, "root", Role.ADMIN, password="correct horse")
    for name in ("ana", "gone"):
        accounts.add(admin, name, Role.ANALYST, password="correct horse")
    accounts.change(admin, "gone", active=False)
    yield SignIn(lambda: SqlUnitOfWork(database), hasher, clock, pool), hasher
    pool.close()


def refused(sign_in: SignIn, name: str, number: int) -> None:
    with pytest.raises(NotSignedIn):
        sign_in.check(name, "wrong horse", Caller(f"198.51.100.{number}"))


def test_every_wrong_sign_in_computes_the_same_hashes(work: tuple[SignIn, CountedWork]) -> None:
    sign_in, hasher = work
    found = {}
    for number, name in enumerate(NAMES):
        hasher.done.clear()
        refused(sign_in, name, number)
        found[name] = list(hasher.done)
    assert found == {name: ["$argon2id$v=19$m=8,t=1,p=1"] for name in NAMES}


def test_the_first_test_notices_an_unknown_name_that_is_refused_early(
    work: tuple[SignIn, CountedWork], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in, hasher = work
    monkeypatch.setattr(sign_in, "_dummy_hash", "")
    with pytest.raises(AssertionError):
        test_every_wrong_sign_in_computes_the_same_hashes((sign_in, hasher))
