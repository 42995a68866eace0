"""Sign in through an OpenID Connect provider: authorization code with PKCE, groups, back-channel logout."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from core.clock import Clock
from core.errors import InvalidInput, NotFound, NotSignedIn
from core.identity.outside_accounts import OutsideAccounts
from core.identity.ports import IdentityProvider
from core.people.audit_events import record
from core.people.records import Origin, SessionKind
from core.people.sessions import Proof, Sessions
from core.people.signing_in import attempts
from core.unit_of_work import UnitOfWorkFactory

REDIRECT_PATH = "/api/v1/oidc/callback"


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """A sign-in that has begun. The browser keeps `kept` until it comes back."""

    address: str
    cookie: str


class SingleSignOn:
    """provider: None where none is set up."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        provider: IdentityProvider | None,
        accounts: OutsideAccounts,
        sessions: Sessions,
        public_url: str,
        name: str,
    ) -> None:
        """public_url: where browsers reach the portal. name: of the provider, for the button."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._provider = provider
        self._accounts = accounts
        self._sessions = sessions
        self._redirect = public_url.rstrip("/") + REDIRECT_PATH
        self.name = name if provider is not None else ""
        """Empty: there is no provider, and no button."""

    def begin(self) -> StartedSignIn:
        """Begin a sign-in. Raises NotFound without a provider, Unavailable if it does not answer."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return StartedSignIn(self._there().address(self._redirect, state, nonce, verifier), f"{state}.{nonce}.{verifier}")

    def finish(self, cookie: str, state: str, code: str, origin: Origin) -> str:
        """Open a session for the person who came back from the provider, and return its token. Raises NotSignedIn, Unavailable."""
        parts = cookie.split(".")
        if len(parts) != 3 or not hmac.compare_digest(parts[0].encode(), state.encode("utf-8", "replace")):
            raise NotSignedIn("This sign-in has expired. Sign in again.")
        who = self._there().identity(self._redirect, code, parts[1], parts[2])
        user = self._accounts.account(who)
        with self._unit_of_work() as work:
            work.users.set_seen(user.id, self._clock())
            work.commit()
        # The provider asks for a second factor, if there is one.
        return self._sessions.open(Proof(user, second_factor=True, outside_session=who.session), SessionKind.BROWSER, origin)

    def ended(self, token: str) -> None:
        """End what a back-channel logout token names: the session there, or all sessions of the person. Raises InvalidInput.

        A token counts once: whoever has an old one cannot end later sessions.
        """
        logout = self._there().ended(token)
        with self._unit_of_work() as work:
            if not attempts.is_first(work, f"{logout.source} {logout.token_id}", self._clock()):
                raise InvalidInput("This logout token was used already.")
            user_id = work.outside_identities.user_id(logout.source, logout.subject) if logout.subject else None
            if logout.session:
                work.sessions.remove_outside(logout.session)
            elif user_id is not None:
                work.sessions.remove_of_user(user_id)
            user = work.users.get(user_id) if user_id else None
            record(work, self._clock(), None, "session.end_outside", user.name if user else "", source=logout.source)
            work.commit()

    def _there(self) -> IdentityProvider:
        if self._provider is None:
            raise NotFound("Signing in through a provider is not set up here.")
        return self._provider
