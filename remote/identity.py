"""Define people and proofs on a user server: a person with the session token, and the handle of a proof."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from core.errors import NotSignedIn
from core.people.records import User
from core.people.session_watch import ENDED
from core.people.sessions import Proof


@dataclass(frozen=True, slots=True, eq=False)
class SessionUser(User):
    """A person with the session token. Every call sends the token, and the admin server looks it up each time."""

    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, user: User, token: str) -> SessionUser:
        return cls(**{each.name: getattr(user, each.name) for each in fields(User)}, token=token)


PROOF_TOKEN = "proof."
"""Prefix of a handle that takes the place of a session token during sign-in. Session tokens contain no dot."""


@dataclass(frozen=True, slots=True, eq=False)
class SealedProof(Proof):
    """A proof that stays on the admin server. Its handle opens one session."""

    handle: str = field(default="", repr=False)

    @classmethod
    def of(cls, proof: Proof, handle: str) -> SealedProof:
        values = {each.name: getattr(proof, each.name) for each in fields(Proof)}
        return cls(**values | {"user": SessionUser.of(proof.user, PROOF_TOKEN + handle)}, handle=handle)


def token_of(user: object) -> str:
    """Return the session token of a person. Raises NotSignedIn for a person without a session."""
    if isinstance(user, SessionUser):
        return user.token
    raise NotSignedIn(ENDED)
