"""Sign in with the passwords of a real directory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ldap3
import pytest

from bootstrap.portal import Portal, build_portal
from core.errors import NotSignedIn, Unavailable
from core.people.records import Role, SessionKind
from core.people.signing_in.sign_in import Caller
from data.identity.ldap import LdapDirectory, LdapSettings
from settings import Settings
from tests.fakes import FakePool, FakeRouter
from tests.servers.slapd import BASE, PASSWORD, Slapd, person
from tests.unit.api.conftest import PlainHasher

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


@pytest.mark.parametrize("how", ["disabled", "gone"])
def test_whoever_is_disabled_or_gone_there_is_out_here(portal: Portal, slapd: Slapd, how: str) -> None:
    proof = portal.sign_in.check("ana", PASSWORD, Caller())
    token = portal.sessions.open(proof, SessionKind.BROWSER)
    portal.sign_in.check("ben", PASSWORD, Caller())
    sync(portal)
    assert portal.sessions.user(token) is not None
    with slapd.admin() as root:
        if how == "gone":
            root.delete(person("ana"))
        else:
            root.modify(person("ana"), {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
    sync(portal)
    assert portal.sessions.user(token) is None
    assert {each.name for each in portal.accounts.people(None) if each.active} == {"ben", "root"}
    with pytest.raises(NotSignedIn):
        portal.sign_in.check("ana", PASSWORD, Caller())


def test_without_the_directory_local_accounts_still_sign_in(portal: Portal, slapd: Slapd) -> None:
    slapd.close()
    assert portal.sign_in.check("root", "battery staple", Caller())
    with pytest.raises(Unavailable, match="directory does not answer"):
        portal.sign_in.check("ana", PASSWORD, Caller())


def sync(portal: Portal) -> None:
    """Do now what the hourly job does."""
    assert portal.directory is not None and "directory.sync" in portal.job_worker.kinds
    portal.directory.follow()
