from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import bcrypt
import pytest

from core.errors import Busy, NotSignedIn
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.people.sessions import password_fingerprint
from core.people.signing_in.attempts import MAX_BY_ADDRESS, MAX_BY_DEVICE, MAX_BY_NAME, WINDOW
from core.people.signing_in.devices import MAX_DEVICES, Devices
from core.people.signing_in.fair_pool import FairPool
from core.people.signing_in.sign_in import BCRYPT, Caller, SignIn, open_pool
from core.unit_of_work import UnitOfWorkFactory
from data.passwords import Argon2Hasher
from tests.unit.core.conftest import MovingClock

ELSEWHERE = Caller("198.51.100.7")


class CountingHasher:
    def __init__(self) -> None:
        self.checked: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def is_outdated(self, password_hash: str) -> bool:
        return False

    def spend(self, password: str) -> None:
        raise AssertionError("nothing here is outdated")

    def matches(self, password: str, password_hash: str) -> bool:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.checked.append(password)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1
        return password_hash == f"plain:{password}"


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def counted(unit_of_work: UnitOfWorkFactory, clock: MovingClock, hasher: CountingHasher) -> Iterator[SignIn]:
    Accounts(unit_of_work, hasher, clock).add(None, "ana", Role.ANALYST, password="correct horse")
    pool = open_pool(4)
    yield SignIn(unit_of_work, hasher, clock, pool)
    pool.close()


def wrong(sign_in: SignIn, name: str, caller: Caller = ELSEWHERE) -> type[Exception]:
    with pytest.raises((NotSignedIn, Busy)) as caught:
        sign_in.check(name, "wrong", caller)
    return caught.type


def test_the_right_password_signs_in_whatever_the_case_of_the_name(sign_in: SignIn, ana: User) -> None:
    assert sign_in.check(" ANA ", "correct horse", ELSEWHERE).user.id == ana.id


@pytest.mark.parametrize(("name", "password"), [("ana", "wrong"), ("ana", ""), ("nobody", "correct horse"), ("", "")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(sign_in: SignIn, ana: User, name: str, password: str) -> None:
    with pytest.raises(NotSignedIn, match="do not match"):
        sign_in.check(name, password, ELSEWHERE)


@pytest.mark.parametrize("name", ["ana", "nobody", "x" * 500, "\ud800"])
def test_a_few_wrong_passwords_close_a_name_for_a_while_whether_it_exists_or_not(
    sign_in: SignIn, ana: User, clock: MovingClock, name: str
) -> None:
    for _ in range(MAX_BY_NAME):
        assert wrong(sign_in, name) is NotSignedIn
    with pytest.raises(Busy, match=r"Too many wrong passwords\. Try again in 5 min\.") as caught:
        sign_in.check(name, "correct horse", Caller("203.0.113.1"))
    assert 0 < caught.value.retry_after <= WINDOW.total_seconds()
    clock.forward(seconds=WINDOW.total_seconds() + 1)
    assert wrong(sign_in, name) is NotSignedIn


def test_the_right_password_forgets_the_wrong_ones_of_the_name(sign_in: SignIn, ana: User) -> None:
    for _ in range(2):
        for _ in range(MAX_BY_NAME - 1):
            assert wrong(sign_in, "ana") is NotSignedIn
        assert sign_in.check("ana", "correct horse", ELSEWHERE)


def test_of_forty_wrong_passwords_at_once_five_are_checked(counted: SignIn, hasher: CountingHasher) -> None:
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda number: wrong(counted, "ana", Caller(f"198.51.100.{number}")), range(40)))
    assert len(hasher.checked) == found.count(NotSignedIn) == MAX_BY_NAME
    assert found.count(Busy) == 40 - MAX_BY_NAME
    assert hasher.most_at_once <= 2


def test_of_forty_names_from_one_address_twenty_are_checked(counted: SignIn, hasher: CountingHasher) -> None:
    found = [wrong(counted, f"name{number}") for number in range(40)]
    assert len(hasher.checked) == found.count(NotSignedIn) == MAX_BY_ADDRESS
    assert wrong(counted, "name41", Caller("203.0.113.1")) is NotSignedIn


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("testclient", "testclient", True),
    ],
)
def test_an_ipv6_customer_is_one_address(counted: SignIn, one: str, other: str, same: bool) -> None:
    for number in range(MAX_BY_ADDRESS):
        wrong(counted, f"name{number}", Caller(one))
    assert wrong(counted, "another", Caller(other)) is (Busy if same else NotSignedIn)


def test_forty_people_of_one_house_who_sign_in_at_once_all_get_in(
    counted: SignIn, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    accounts = Accounts(unit_of_work, CountingHasher(), clock)
    for number in range(40):
        accounts.add(None, f"p{number}", Role.ANALYST, password="correct horse")
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda number: counted.check(f"p{number}", "correct horse", ELSEWHERE).user.name, range(40)))
    assert len(found) == 40


def test_an_own_account_does_not_help_to_try_others_from_the_same_address(counted: SignIn) -> None:
    for number in range(MAX_BY_ADDRESS):
        assert wrong(counted, f"name{number}") is NotSignedIn
        if number % 4 == 0:
            assert counted.check("ana", "correct horse", ELSEWHERE) if number < MAX_BY_ADDRESS - 1 else True
    with pytest.raises(Busy):
        counted.check("ana", "correct horse", ELSEWHERE)


def test_a_known_device_of_the_person_is_not_locked_out(
    sign_in: SignIn, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, admin: User
) -> None:
    devices = Devices(unit_of_work, clock)
    anas, admins = devices.remember(ana, None), devices.remember(admin, None)
    for number in range(MAX_BY_NAME):
        wrong(sign_in, "ana", Caller(f"203.0.113.{number}"))
    with pytest.raises(Busy):
        sign_in.check("ana", "correct horse", ELSEWHERE)
    for stranger in (admins, "made up", "x" * 10_000):
        with pytest.raises(Busy):
            sign_in.check("ana", "correct horse", Caller("198.51.100.7", stranger))
    assert sign_in.check("ana", "correct horse", Caller("198.51.100.7", anas)).user.id == ana.id


def test_a_stolen_device_is_as_bad_a_place_to_guess_from(
    sign_in: SignIn, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User
) -> None:
    token = Devices(unit_of_work, clock).remember(ana, None)
    found = [wrong(sign_in, "ana", Caller(f"203.0.113.{number}", token)) for number in range(10)]
    assert found.count(NotSignedIn) == MAX_BY_DEVICE
    assert sign_in.check("ana", "correct horse", ELSEWHERE)


def test_a_device_is_remembered_once_and_the_oldest_is_forgotten(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, admin: User
) -> None:
    devices = Devices(unit_of_work, clock)
    first = devices.remember(ana, None)
    assert devices.remember(ana, first) == first
    assert devices.remember(admin, first) != first
    for _ in range(MAX_DEVICES - 1):
        clock.forward(seconds=1)
        devices.remember(ana, None)
    clock.forward(seconds=1)
    assert devices.remember(ana, first) == first
    second = devices.remember(ana, None)
    assert devices.remember(ana, first) == first and devices.remember(ana, second) == second


def test_a_new_password_by_an_admin_opens_the_name_and_forgets_the_devices(
    sign_in: SignIn, accounts: Accounts, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User
) -> None:
    token = Devices(unit_of_work, clock).remember(ana, None)
    for number in range(MAX_BY_NAME):
        wrong(sign_in, "ana", Caller(f"203.0.113.{number}"))
    accounts.reset_password(admin, "ana", "battery staple")
    assert sign_in.check("ana", "battery staple", ELSEWHERE)
    assert Devices(unit_of_work, clock).remember(ana, token) != token


def test_a_disabled_person_cannot_sign_in(sign_in: SignIn, accounts: Accounts, admin: User, ana: User) -> None:
    accounts.change(admin, "ana", active=False)
    with pytest.raises(NotSignedIn, match="do not match"):
        sign_in.check("ana", "correct horse", ELSEWHERE)


def test_the_audit_tells_of_a_closed_name_that_exists(sign_in: SignIn, unit_of_work: UnitOfWorkFactory, ana: User) -> None:
    for name in ("ana", "nobody"):
        for _ in range(MAX_BY_NAME):
            wrong(sign_in, name)

    def locks() -> list[tuple[str, str]]:
        with unit_of_work() as work:
            found = work.audit.find(AuditFilter(action="user.lock"), 10)
        return [(each.event.subject, each.event.details["address"]) for each in found]

    deadline = time.monotonic() + 60
    while not locks() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert locks() == [("ana", ELSEWHERE.address)]


def test_who_asks_once_is_not_behind_who_asks_a_hundred_times() -> None:
    pool = FairPool("test", 1, 200, "Full.")
    begun, hold, order = threading.Event(), threading.Event(), []
    first = pool.submit("many", lambda: (begun.set(), hold.wait()))
    begun.wait()
    many = [pool.submit("many", lambda number=number: order.append(f"many {number}")) for number in range(100)]  # type: ignore[misc]
    one = pool.submit("one", lambda: order.append("one"))
    known = pool.submit("known", lambda: order.append("known"), first=True)
    hold.set()
    wait([first, *many, one, known])
    assert order[:3] == ["known", "many 0", "one"]
    pool.close()


def test_a_full_line_refuses_strangers_and_not_those_who_go_first() -> None:
    pool = FairPool("test", 1, 3, "Full, try again in {seconds} s.")
    begun, hold = threading.Event(), threading.Event()
    pool.submit("x", lambda: (begun.set(), hold.wait()))
    begun.wait()
    for _ in range(3):
        pool.submit("x", lambda: None)
    with pytest.raises(Busy, match=r"Full, try again in 5 s\."):
        pool.submit("y", lambda: None)
    assert pool.submit("known", lambda: 7, first=True) and not hold.set()
    pool.close()


@contextmanager
def held_pool(most_waiting: int, task_s: float = 0.0) -> Iterator[FairPool]:
    """Yield a pool whose one thread is busy until the end of the block, and whose tasks took so long before."""
    now = [0.0]
    pool = FairPool("test", 1, most_waiting, "Full, try again in {seconds} s.", lambda: now[0])

    def takes(seconds: float) -> None:
        now[0] += seconds

    if task_s:
        pool.submit("x", lambda: takes(task_s)).result()
    begun, hold = threading.Event(), threading.Event()
    pool.submit("x", lambda: (begun.set(), hold.wait()))
    begun.wait()
    yield pool
    hold.set()
    pool.close()


def test_one_address_takes_at_most_half_of_the_room() -> None:
    with held_pool(20) as pool:
        for _ in range(10):
            pool.check_room("many")
            pool.submit("many", lambda: None)
        with pytest.raises(Busy):
            pool.check_room("many")
        pool.check_room("one")


def test_nobody_is_let_in_who_would_wait_for_long() -> None:
    with held_pool(200, task_s=0.5) as pool:
        for number in range(20):
            pool.check_room(f"address {number}")
            pool.submit(f"address {number}", lambda: None)
        with pytest.raises(Busy, match=r"Full, try again in 10 s\.") as refused:
            pool.check_room("another")
        assert refused.value.retry_after == 10
        assert pool.submit("known", lambda: 7, first=True)


def test_a_slow_directory_does_not_refuse_a_handful() -> None:
    with held_pool(200, task_s=30) as pool:
        for number in range(10):
            pool.check_room(f"address {number}")
            pool.submit(f"address {number}", lambda: None)
        with pytest.raises(Busy):
            pool.check_room("another")


def test_a_full_line_refuses_before_the_database_is_read(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: FairPool, _who: str) -> None:
        raise Busy("Full.", retry_after=5)

    monkeypatch.setattr(FairPool, "check_room", full)
    with pytest.raises(Busy, match="Full"):
        sign_in.check_room("198.51.100.7")
    with pytest.raises(Busy, match="Full"):
        sign_in.check("ana", "correct horse", ELSEWHERE)


class TellingHasher(Argon2Hasher):
    """Records which hash method each check computes."""

    def __init__(self) -> None:
        super().__init__(1, 8, bcrypt_cost=4)
        self.paid: list[str] = []

    def matches(self, password: str, password_hash: str) -> bool:
        self.paid.append("bcrypt" if password_hash.startswith("$2") else "argon2id")
        return super().matches(password, password_hash)


def of_earlier_version(unit_of_work: UnitOfWorkFactory, user: User) -> None:
    with unit_of_work() as work:
        work.users.set_password(user.id, bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode())
        work.commit()


@pytest.fixture
def telling(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Iterator[tuple[SignIn, TellingHasher]]:
    pool, hasher = open_pool(2), TellingHasher()
    yield SignIn(unit_of_work, hasher, clock, pool), hasher
    pool.close()


def test_a_bcrypt_hash_is_replaced_at_sign_in_and_only_by_the_right_password(
    telling: tuple[SignIn, TellingHasher], ana: User, accounts: Accounts, unit_of_work: UnitOfWorkFactory
) -> None:
    sign_in, _ = telling
    of_earlier_version(unit_of_work, ana)
    assert wrong(sign_in, "ana") is NotSignedIn
    with unit_of_work() as work:
        assert work.users.any_password_of(BCRYPT)
    proof = sign_in.check("ana", "correct horse", ELSEWHERE)
    found = accounts.credentials("ana")
    assert found is not None and found.password_hash.startswith("$argon2id$") and proof.mark == password_fingerprint(found.password_hash)
    assert sign_in.check("ana", "correct horse", ELSEWHERE)


def test_two_sign_ins_at_once_both_get_in_while_the_hash_is_replaced(
    telling: tuple[SignIn, TellingHasher], ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    sign_in, _ = telling
    of_earlier_version(unit_of_work, ana)
    both = threading.Barrier(2)

    class Waiting(TellingHasher):
        def hash(self, password: str) -> str:
            if password == "correct horse":
                both.wait(60)
            return super().hash(password)

    pool = open_pool(4)
    sign_in = SignIn(unit_of_work, Waiting(), clock, pool)
    futures = [sign_in.begin("ana", "correct horse", Caller(f"198.51.100.{number}")) for number in range(2)]
    assert len({future.result(60).mark for future in futures}) == 1
    pool.close()


def test_while_a_bcrypt_hash_is_left_every_check_pays_for_both_methods(
    telling: tuple[SignIn, TellingHasher], ana: User, accounts: Accounts, unit_of_work: UnitOfWorkFactory
) -> None:
    sign_in, hasher = telling
    accounts.add(None, "ben", Role.ANALYST, password="correct horse")
    of_earlier_version(unit_of_work, ana)
    for name in ("ana", "ben", "nobody"):
        hasher.paid.clear()
        wrong(sign_in, name)
        assert sorted(hasher.paid) == ["argon2id", "bcrypt"], name
    sign_in.check("ana", "correct horse", ELSEWHERE)
    for name in ("ana", "ben", "nobody"):
        hasher.paid.clear()
        wrong(sign_in, name)
        assert hasher.paid == ["argon2id"], name
