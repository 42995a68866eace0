"""Define second factors and outside identities. All times are timezone-aware UTC."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    user_id: str
    secret: str
    """The secret in base32, as authenticator apps read it."""
    created_at: datetime
    confirmed_at: datetime | None = None
    """None: the person has not typed a code yet, so sign-in does not ask for one."""
    last_step: int = 0
    """The step of the last code that was accepted; no code of this or an earlier step is accepted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideIdentity:
    """A person as a provider or directory knows them."""

    source: str
    """Which provider or directory, for example "oidc https://login.example"."""
    subject: str
    """Its id of the person, which never changes."""
    name: str
    """The sign-in name that a new account gets."""
    full_name: str = ""
    groups: tuple[str, ...] = ()
    session: str = ""
    """Its id of the session there; logging out there ends the session here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedOutside:
    """A message that one session there, or every session of a person, has ended."""

    source: str
    subject: str = ""
    session: str = ""
    token_id: str
    """The message's own id: no message counts twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRules:
    """The roles and groups that a provider's or directory's groups give here."""

    roles: tuple[tuple[str, str], ...] = ()
    """(group there, role here); the first that fits counts."""
    groups: tuple[tuple[str, str], ...] = ()
    """(group there, group here); the first that fits counts."""
    default_role: str = ""
    """The role of people in none of these groups. Empty: they may not sign in."""
    link_by_name: bool = False
    """Whether an existing account of the same name becomes the person's at the first sign-in."""

    def role_of(self, groups: Collection[str]) -> str:
        return next((role for there, role in self.roles if there in groups), self.default_role)

    def group_of(self, groups: Collection[str]) -> str | None:
        """Return the group here; None if groups are not taken over, so that it stays as it is."""
        return next((here for there, here in self.groups if there in groups), "") if self.groups else None
