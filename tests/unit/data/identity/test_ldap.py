"""Sign in with the passwords of a real directory."""

from __future__ import annotations

import gc
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ldap3
import pytest
from sqlalchemy import update

from bootstrap.portal import Portal, build_portal
from core.errors import NotFound, NotSignedIn, PortalError, Unavailable
from core.people.api_keys import KeyTerms
from core.people.audit_records import AuditFilter
from core.people.records import Role, Scope, SessionKind, User
from core.people.signing_in.sign_in import Caller
from data.identity.ldap import LdapDirectory, LdapSettings
from data.tables import JobTable
from samples.fakes import FakePool, FakeRouter
from samples.servers.slapd import BASE, PASSWORD, Slapd, group, person
from settings import Settings
from tests.unit.api.conftest import PlainHasher

WAIT_S = 60.0

# ldap3 leaves some sockets of refused handshakes to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect them within the test that made them."""
    yield
    gc.collect()


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    folder = tmp_path / "slapd"
    folder.mkdir()
    running = Slapd(folder)
    yield running
    running.close()


def settings_of(slapd: Slapd) -> LdapSettings:
    return LdapSettings(
        url=slapd.url, start_tls=True, ca_file=str(slapd.ca), bind_dn=person("portal"), bind_password=PASSWORD, base=BASE,
        user_filter="(&(objectClass=person)(uid={name}))",
    )  # fmt: skip


@pytest.fixture
def portal(slapd: Slapd, tmp_path: Path) -> Iterator[Portal]:
    settings = Settings(
        home=tmp_path / "home", ldap_url=slapd.url, ldap_ca=str(slapd.ca), ldap_bind_dn=person("portal"), ldap_bind_password=PASSWORD,
        ldap_base=BASE, identity_roles="risk-leads=manager", identity_groups=f"cn=all,ou=groups,{BASE}=Everybody",
    )  # fmt: skip
    built = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    built.accounts.add(None, "root", Role.ADMIN, password="battery staple")
    yield built
    built.close()


@pytest.mark.parametrize("secure", ["StartTLS", "LDAPS"])
def test_the_password_is_checked_over_tls(slapd: Slapd, secure: str) -> None:
    settings = settings_of(slapd)
    if secure == "LDAPS":
        settings = replace(settings, url=slapd.tls_url, start_tls=False)
    directory = LdapDirectory(settings)
    found = directory.check("ana", PASSWORD)
    assert found is not None and (found.name, found.full_name) == ("ana", "Ana Costa")
    assert directory.check("ana", "wrong") is None and directory.check("nobody", PASSWORD) is None and directory.check("ana", "") is None
    with pytest.raises(Unavailable):
        LdapDirectory(replace(settings, ca_file=str(slapd.other_ca))).check("ana", PASSWORD)


def test_groups_are_walked_up_even_in_a_circle(slapd: Slapd) -> None:
    directory = LdapDirectory(settings_of(slapd))
    found = directory.check("ana", PASSWORD)
    assert found is not None
    assert {each for each in found.groups if "=" not in each} == {"staff", "risk-leads", "all"}
    ben = directory.check("ben", PASSWORD)
    assert ben is not None and ben.groups == () and ben.full_name == "Ben (Star*) Li"


@pytest.mark.parametrize("name", ["*", "an*", "ana)(uid=*", "a\x00na", "\\61na", "ana*)(|(uid=*"])
def test_a_name_is_never_a_part_of_the_filter(slapd: Slapd, name: str) -> None:
    assert LdapDirectory(settings_of(slapd)).check(name, PASSWORD) is None


def test_signing_in_makes_the_account_with_role_and_group(portal: Portal) -> None:
    proof = portal.sign_in.check("ANA", PASSWORD, Caller())
    assert (proof.user.name, proof.user.full_name, proof.user.role, proof.user.group) == ("ana", "Ana Costa", "manager", "Everybody")
    assert portal.sessions.user(portal.sessions.open(proof, SessionKind.API)) is not None
    assert portal.sign_in.check("ana", PASSWORD, Caller()).user.id == proof.user.id
    for name, password in (("ana", "wrong"), ("nobody", PASSWORD), ("root", PASSWORD), ("ana", "")):
        with pytest.raises(NotSignedIn, match="do not match"):
            portal.sign_in.check(name, password, Caller())
    assert portal.sign_in.check("root", "battery staple", Caller()).user.role is Role.ADMIN


def test_a_local_account_of_the_same_name_is_not_taken_over(portal: Portal) -> None:
    portal.accounts.add(None, "ben", Role.ADMIN, password="battery staple")
    with pytest.raises(NotSignedIn, match="Another account"):
        portal.sign_in.check("ben", PASSWORD, Caller())


OUT = {
    "disabled in Active Directory": {"userAccountControl": "514"},
    "expired in Active Directory": {"accountExpires": "133485408000000000"},
    "locked by an admin of OpenLDAP": {"pwdAccountLockedTime": "000001010000Z"},
    "locked in 389 Directory": {"nsAccountLock": "TRUE"},
    "gone": {},
}
STILL_IN = {"userAccountControl": "512", "accountExpires": "9223372036854775807", "nsAccountLock": "FALSE"}


@pytest.mark.parametrize("how", OUT)
def test_whoever_is_disabled_or_gone_there_is_out_here(portal: Portal, slapd: Slapd, how: str) -> None:
    proof = portal.sign_in.check("ana", PASSWORD, Caller())
    token = portal.sessions.open(proof, SessionKind.BROWSER)
    portal.sign_in.check("ben", PASSWORD, Caller())
    change(slapd, "ana", STILL_IN)
    sync(portal)
    assert portal.sessions.user(token) is not None
    if how == "gone":
        with slapd.admin() as root:
            root.delete(person("ana"))
    else:
        change(slapd, "ana", OUT[how])
    sync(portal)
    assert portal.sessions.user(token) is None
    assert {each.name for each in portal.accounts.people(None) if each.active} == {"ben", "root"}
    with pytest.raises(NotSignedIn):
        portal.sign_in.check("ana", PASSWORD, Caller())


def test_the_schedule_ends_the_sessions_keys_and_streams_of_somebody_who_is_disabled_there(portal: Portal, slapd: Slapd) -> None:
    # Nobody signs in and nothing asks for this person meanwhile. Without the job in DirectoryAccounts.job_kinds, all of it goes on.
    proof = portal.sign_in.check("ana", PASSWORD, Caller())
    token = portal.sessions.open(proof, SessionKind.BROWSER)
    key = portal.api_keys.make(proof.user, KeyTerms(name="script", scopes=frozenset({Scope.CHAT})))
    ended: queue.SimpleQueue[PortalError] = queue.SimpleQueue()
    portal.session_watch.follow(key.token, ended.put, proof.user)
    change(slapd, "ana", {"userAccountControl": "514"})
    assert portal.api_keys.user(key.token) is not None
    make_due(portal, "directory.sync")
    assert ended.get(timeout=WAIT_S).status == 401
    assert portal.api_keys.user(key.token) is None and portal.sessions.user(token) is None
    root = portal.accounts.credentials("root")
    assert root is not None
    events = portal.audit.all(root.user, AuditFilter())
    assert any(each.event.subject == "ana" and each.event.action == "user.change" for each in events), "it is in the audit log"


def test_the_schedule_brings_roles_and_groups_up_to_date(portal: Portal, slapd: Slapd) -> None:
    token = portal.sessions.open(portal.sign_in.check("ana", PASSWORD, Caller()), SessionKind.BROWSER)
    with slapd.admin() as root:
        root.modify(group("all"), {"member": [(ldap3.MODIFY_REPLACE, [person("ben")])]})
        root.modify(group("staff"), {"member": [(ldap3.MODIFY_REPLACE, [person("ben")])]})
    make_due(portal, "directory.sync")
    until(lambda: (user := portal.sessions.user(token)) is None or user.role != "manager")
    user = portal.accounts.credentials("ana")
    assert user is not None and (user.user.role, user.user.group) == (Role.ANALYST, "")


def test_an_account_that_cannot_be_changed_does_not_keep_the_others_in(
    portal: Portal, slapd: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ana", "ben"):
        portal.sign_in.check(name, PASSWORD, Caller())
        change(slapd, name, {"userAccountControl": "514"})
    real = portal.accounts.change

    def refuse(actor: User | None, name: str, **values: Any) -> User:
        if name == "ana":
            raise NotFound("There is no role named {name}.", name="lead")
        return real(actor, name, **values)

    monkeypatch.setattr(portal.accounts, "change", refuse)
    sync(portal)
    assert {each.name for each in portal.accounts.people(None) if each.active} == {"ana", "root"}


@pytest.mark.parametrize("wrong", [{"bind_dn": "", "bind_password": ""}, {"base": "dc=elsewhere,dc=org"}], ids=["no rights", "no base"])
def test_a_directory_that_shows_nothing_says_nobody_is_gone(slapd: Slapd, wrong: dict[str, str]) -> None:
    # Otherwise a change of rights there would disable everybody here.
    settings = settings_of(slapd)
    found = LdapDirectory(settings).check("ana", PASSWORD)
    assert found is not None
    with pytest.raises(Unavailable, match=r"directory"):
        LdapDirectory(replace(settings, **wrong)).find(found.subject)  # type: ignore[arg-type]


def test_without_the_directory_local_accounts_still_sign_in(portal: Portal, slapd: Slapd) -> None:
    slapd.close()
    assert portal.sign_in.check("root", "battery staple", Caller())
    with pytest.raises(Unavailable, match="directory does not answer"):
        portal.sign_in.check("ana", PASSWORD, Caller())


def change(slapd: Slapd, name: str, values: dict[str, str]) -> None:
    with slapd.admin() as root:
        assert root.modify(person(name), {key: [(ldap3.MODIFY_REPLACE, [value])] for key, value in values.items()}), root.result


def make_due(portal: Portal, kind: str) -> None:
    """Let an hour pass for this recurring job, which the worker then runs by itself."""

    def due() -> bool:
        with portal.database.connect() as connection:
            changed = connection.execute(update(JobTable).where(JobTable.kind == kind).values(run_after=datetime.now(UTC))).rowcount
            connection.commit()
        return bool(changed)

    until(due)
    portal.jobs.wake()


def until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)


def sync(portal: Portal) -> None:
    """Do now what the hourly job does."""
    assert portal.directory is not None and "directory.sync" in portal.job_worker.kinds
    portal.directory.follow()
