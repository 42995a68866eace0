"""People and proofs as a user server holds them: a person with the session token, a proof as a handle."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from core.errors import NotSignedIn
from core.people.records import User
from core.people.session_watch import ENDED
from core.people.sessions import Proof


@dataclass(frozen=True, slots=True, eq=False)
class SessionUser(User):
    """A person and the token of the session. Every call is made with it, and the admin server verifies it each time."""

    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, user: User, token: str) -> SessionUser:
        return cls(**{each.name: getattr(user, each.name) for each in fields(User)}, token=token)


PROOF_TOKEN = "proof."
"""Begins what stands in for a session token while a person signs in; a handle follows. Session tokens have no dot."""


@dataclass(frozen=True, slots=True, eq=False)
class SealedProof(Proof):
    """A proof that lies on the admin server. The handle opens one session."""

    handle: str = field(default="", repr=False)

    @classmethod
    def of(cls, proof: Proof, handle: str) -> SealedProof:
        told = {each.name: getattr(proof, each.name) for each in fields(Proof)}
        return cls(**told | {"user": SessionUser.of(proof.user, PROOF_TOKEN + handle)}, handle=handle)


def token_of(user: object) -> str:
    """Return the session token of a person. Raises NotSignedIn for a person who did not come from a session."""
    if isinstance(user, SessionUser):
        return user.token
    raise NotSignedIn(ENDED)
