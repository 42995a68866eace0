"""Ask an LDAP directory or Active Directory with ldap3: search, bind as the person, walk nested groups."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPBindError, LDAPException, LDAPInvalidCredentialsResult, LDAPOperationResult, LDAPStartTLSError
from ldap3.core.results import RESULT_SUCCESS
from ldap3.utils.conv import escape_filter_chars

from core.errors import Unavailable
from core.identity.records import OutsideIdentity

TIMEOUT_S = 10
MAX_GROUPS = 1000
"""Most groups of one person, including the groups that contain a group; larger directories are not walked to the end."""
_DISABLED = 2
"""The bit of Active Directory's userAccountControl."""
_LOCKED_FOR_EVER = "000001010000Z"
"""What pwdAccountLockedTime is after an admin locked the account; other times are those of wrong passwords, which pass."""
_WINDOWS_BEGAN = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER = 2**63 - 1
_IDS = ("entryUUID", "objectGUID")
_OPERATIONAL = (*_IDS, "pwdAccountLockedTime", "nsAccountLock")
"""Attributes that a directory returns only if they are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    url: str
    start_tls: bool
    ca_file: str
    bind_dn: str
    bind_password: str
    base: str
    user_filter: str
    """The search filter, with {name} in place of the escaped sign-in name."""


class LdapDirectory:
    """Implements the port Directory. Opens a connection for each query: sign-ins are rare, and threads share none."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self.source = f"ldap {settings.url}"[:300]
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_file or None)
        self._server = ldap3.Server(settings.url, tls=tls, get_info=ldap3.NONE, connect_timeout=TIMEOUT_S)

    def check(self, name: str, password: str) -> OutsideIdentity | None:
        with self._asking() as portal:
            entry = self._one(portal, self._settings.user_filter.replace("{name}", escape_filter_chars(name)))
            # Bind even if nobody was found, so that the time reveals nothing.
            dn = str(entry["dn"]) if entry is not None else f"cn=nobody,{self._settings.base}"
            if not self._binds(dn, password) or entry is None:
                return None
            return self._identity(portal, entry, name)

    def find(self, subject: str) -> OutsideIdentity | None:
        with self._asking() as portal:
            kind, _, value = subject.partition(":")
            entry = self._one(portal, f"({kind}={value})")
            if entry is None and not self._search(portal, "(objectClass=*)", [_IDS[0]], scope=ldap3.BASE):
                # A directory that shows the portal nothing, as after a change of its rights, does not say that somebody is gone.
                raise Unavailable("The directory shows nothing below PORTAL_LDAP_BASE. Check the rights of PORTAL_LDAP_BIND_DN there.")
            return None if entry is None else self._identity(portal, entry, "")

    def _identity(self, portal: Any, entry: dict[str, Any], name: str) -> OutsideIdentity | None:
        if _is_disabled(entry):
            return None
        return OutsideIdentity(
            source=self.source,
            subject=_subject(entry),
            name=name or _first(entry, "sAMAccountName") or _first(entry, "uid") or str(entry["dn"]),
            full_name=_first(entry, "displayName") or _first(entry, "cn"),
            groups=tuple(self._groups(portal, str(entry["dn"]))),
        )

    def _groups(self, portal: Any, dn: str) -> Iterator[str]:
        """Yield names and DNs of all groups, including those that contain others. Groups may contain each other in a circle."""
        seen, open_ = {dn.lower()}, [dn]
        while open_ and len(seen) <= MAX_GROUPS:
            member = escape_filter_chars(open_.pop())
            for group in self._search(portal, f"(|(member={member})(uniqueMember={member}))", ["cn"]):
                if (found := str(group["dn"])).lower() not in seen:
                    seen.add(found.lower())
                    open_.append(found)
                    yield found
                    if cn := _first(group, "cn"):
                        yield cn

    def _one(self, portal: Any, filter: str) -> dict[str, Any] | None:
        """Return the one matching entry; None also if several match, because the person would be ambiguous."""
        found = self._search(portal, filter, [ldap3.ALL_ATTRIBUTES, *_OPERATIONAL])
        return found[0] if len(found) == 1 else None

    def _search(self, portal: Any, filter: str, attributes: list[str], scope: str = ldap3.SUBTREE) -> list[dict[str, Any]]:
        """Return the matching entries. Raises LDAPException unless the directory says that these are all: a busy one proves nothing."""
        portal.search(self._settings.base, filter, scope, attributes=attributes, time_limit=TIMEOUT_S)
        if portal.result["result"] != RESULT_SUCCESS:
            raise LDAPOperationResult(result=portal.result["result"], description=portal.result["description"])
        return [each for each in portal.response or () if each["type"] == "searchResEntry"]

    def _binds(self, dn: str, password: str) -> bool:
        if not password:
            return False
        try:
            self._connection(dn, password).unbind()
        except (LDAPBindError, LDAPInvalidCredentialsResult):
            return False
        return True

    def _connection(self, dn: str, password: str) -> Any:
        """Return a connection bound as `dn`. Nothing is sent before TLS. Raises LDAPException, with the socket closed."""
        made = ldap3.Connection(self._server, dn or None, password or None, auto_bind=False, read_only=True, receive_timeout=TIMEOUT_S)
        try:
            made.open(read_server_info=False)
            if self._settings.start_tls and not made.start_tls(read_server_info=False):
                raise LDAPStartTLSError(str(made.result))
            if not made.bind(read_server_info=False):
                raise LDAPBindError(str(made.result))
        except BaseException:
            if made.socket is not None:
                made.socket.close()
            raise
        return made

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """Open a connection as the portal. Raises Unavailable for every error."""
        try:
            portal = self._connection(self._settings.bind_dn, self._settings.bind_password)
            try:
                yield portal
            finally:
                portal.unbind()
        except LDAPException as problem:
            reason = type(problem).__name__
            raise Unavailable("The directory does not answer ({reason}). Try again, or ask an admin.", reason=reason) from problem


def _is_disabled(entry: dict[str, Any]) -> bool:
    """Tell whether the directory lets this person no longer in: Active Directory's ways, OpenLDAP's and 389's."""
    control, expires = _first(entry, "userAccountControl"), _first(entry, "accountExpires")
    if control.isdigit() and int(control) & _DISABLED:
        return True
    now = (datetime.now(UTC) - _WINDOWS_BEGAN) // timedelta(microseconds=1) * 10
    if expires.isdigit() and 0 < int(expires) < min(now, _NEVER):
        return True
    return _first(entry, "pwdAccountLockedTime") == _LOCKED_FOR_EVER or _first(entry, "nsAccountLock").lower() == "true"


def _subject(entry: dict[str, Any]) -> str:
    """Return the entry's own id as a filter finds it; its DN changes when a person moves or marries."""
    raw = entry["raw_attributes"]
    if raw.get("objectGUID"):
        return "objectGUID:" + "".join(f"\\{byte:02x}" for byte in raw["objectGUID"][0])
    return f"entryUUID:{_first(entry, 'entryUUID')}"


def _first(entry: dict[str, Any], name: str) -> str:
    """Return an attribute's first value as text, whatever the case of its name; "" if it has none."""
    for key, values in entry["raw_attributes"].items():
        if key.lower() == name.lower() and values:
            return bytes(values[0]).decode("utf-8", "replace")
    return ""
