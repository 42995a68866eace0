"""Declare what identities need: repositories, a provider and a directory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from core.identity.records import EndedOutside, OutsideIdentity, SecondFactor


class SecondFactorRepository(Protocol):
    def get(self, user_id: str) -> SecondFactor | None: ...
    def put(self, factor: SecondFactor) -> None:
        """Store a person's factor in place of the one before."""
        ...

    def take_step(self, user_id: str, step: int) -> bool:
        """Record that the code of this step was used. Returns False if that code or a later one was used before."""
        ...

    def set_codes(self, user_id: str, hashes: Collection[str]) -> None:
        """Replace the recovery codes, given as hashes."""
        ...

    def take_code(self, user_id: str, code_hash: str) -> bool:
        """Remove a recovery code. Returns False if there is none."""
        ...

    def codes_left(self, user_id: str) -> int: ...
    def remove(self, user_id: str) -> None:
        """Remove the factor and its recovery codes."""
        ...


class OutsideIdentityRepository(Protocol):
    def user_id(self, source: str, subject: str) -> str | None: ...
    def link(self, source: str, subject: str, user_id: str) -> None:
        """Link an outside person to an account. Does nothing if that person is linked already."""
        ...

    def of_source(self, source: str) -> Sequence[tuple[str, str]]:
        """Return all people of a source, as (subject, user id)."""
        ...

    def linked(self, user_id: str) -> bool:
        """Tell whether an outside person is linked to this account."""
        ...


class IdentityProvider(Protocol):
    """An OpenID Connect provider. Every call raises Unavailable if it does not answer."""

    source: str

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Return the address at which the browser signs in there."""
        ...

    def identity(self, redirect: str, code: str, nonce: str, verifier: str) -> OutsideIdentity:
        """Exchange the code of a redirect for the person's identity. Raises NotSignedIn for a code of another sign-in."""
        ...

    def ended(self, token: str) -> EndedOutside:
        """Read a back-channel logout token. Raises InvalidInput for one that the provider did not issue for this portal."""
        ...


class Directory(Protocol):
    """An LDAP directory or Active Directory. Every call raises Unavailable if it does not answer."""

    source: str

    def check(self, name: str, password: str) -> OutsideIdentity | None:
        """Return the person with this name and password; None if they are wrong or the person is disabled there."""
        ...

    def find(self, subject: str) -> OutsideIdentity | None:
        """Return a person; None if they are gone or disabled there."""
        ...
