"""Talk to an OpenID Connect provider with Authlib: discovery, code with PKCE, id token, userinfo, logout tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.errors import InvalidInput, NotSignedIn, PortalError, Unavailable
from core.identity.records import EndedOutside, OutsideIdentity

TIMEOUT_S = 10
KEYS_FOR_S = 300.0
KEYS_AGAIN_S = 10.0
"""Tokens with a wrong signature make the portal read the keys again at most this often."""
CLOCK_S = 60
"""Seconds by which clocks may differ."""
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a private key only: neither "none" nor algorithms that use the client secret."""
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
_REFUSED = "The identity provider did not confirm this sign-in. Sign in again."


class OidcProvider:
    """Implements the port IdentityProvider. Thread-safe."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, groups_claim: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._groups_claim = groups_claim
        self.source = f"oidc {issuer}"[:300]
        self._lock = threading.Lock()
        self._found: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        with self._session(redirect) as session:
            url, _ = session.create_authorization_url(
                self._endpoint("authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def identity(self, redirect: str, code: str, nonce: str, verifier: str) -> OutsideIdentity:
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._session(redirect) as session:
                token = session.fetch_token(endpoint, code=code, code_verifier=verifier, timeout=TIMEOUT_S)
                claims = self._claims(str(token.get("id_token", "")), NotSignedIn(_REFUSED))
                if claims.get("nonce") != nonce:
                    raise NotSignedIn(_REFUSED)
                more = self._userinfo(session, str(claims["sub"]))
        except OAuthError as problem:
            raise NotSignedIn(_REFUSED) from problem
        except requests.RequestException as problem:
            raise _unavailable(problem) from problem
        known = {**more, **claims}
        groups = known.get(self._groups_claim, [])
        return OutsideIdentity(
            source=self.source,
            subject=str(claims["sub"])[:255],
            name=str(known.get("preferred_username") or known.get("email") or claims["sub"]),
            full_name=str(known.get("name") or ""),
            groups=tuple(map(str, groups)) if isinstance(groups, list) else (str(groups),),
            session=str(claims.get("sid") or ""),
        )

    def ended(self, token: str) -> EndedOutside:
        refusal = InvalidInput("This is no logout token for this portal.")
        claims = self._claims(token, refusal)
        events = claims.get("events")
        if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims or not (claims.get("sub") or claims.get("sid")):
            raise refusal
        if not (isinstance(token_id := claims.get("jti"), str) and token_id):
            raise refusal
        return EndedOutside(
            source=self.source, subject=str(claims.get("sub") or "")[:255], session=str(claims.get("sid") or ""), token_id=token_id
        )  # fmt: skip

    def _session(self, redirect: str) -> Any:
        return OAuth2Session(
            self._client_id, self._client_secret, scope="openid profile email", redirect_uri=redirect, code_challenge_method="S256"
        )

    def _userinfo(self, session: Any, subject: str) -> Mapping[str, Any]:
        """Fetch claims that the id token leaves out, often the groups."""
        if "userinfo_endpoint" not in self._metadata():
            return {}
        answer = session.get(self._endpoint("userinfo_endpoint"), timeout=TIMEOUT_S)
        answer.raise_for_status()
        found = answer.json()
        return found if isinstance(found, dict) and found.get("sub") == subject else {}

    def _claims(self, token: str, refusal: PortalError) -> dict[str, Any]:
        """Check signature, issuer, audience and times of a token; raises `refusal`."""
        for again in (False, True):
            try:
                claims: dict[str, Any] = dict(jwt.decode(token, self._key_set(refresh=again), algorithms=_ALGORITHMS).claims)
                break
            except (JoseError, ValueError) as problem:
                if again:  # The provider may have changed its keys since they were read.
                    raise refusal from problem
        audience = claims.get("aud")
        ours = audience == self._client_id or (isinstance(audience, list) and self._client_id in audience)
        now, issued, expires = time.time(), claims.get("iat"), claims.get("exp", time.time())
        if not ours or claims.get("iss") != self._issuer or claims.get("azp", self._client_id) != self._client_id:
            raise refusal
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise refusal
        if issued > now + CLOCK_S or issued < now - 10 * CLOCK_S or expires < now - CLOCK_S:
            raise refusal
        if not (claims.get("sub") or claims.get("sid")):
            raise refusal
        return claims

    def _key_set(self, *, refresh: bool) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._read_at
            if self._keys is None or age > (KEYS_AGAIN_S if refresh else KEYS_FOR_S):
                self._keys = KeySet.import_key_set(_get(str(self._locked_metadata()["jwks_uri"])))  # type: ignore[arg-type]
                self._read_at = time.monotonic()
            return self._keys

    def _endpoint(self, name: str) -> str:
        found = self._metadata().get(name)
        if not isinstance(found, str):
            raise Unavailable("The identity provider at {issuer} has no {name}. Check PORTAL_OIDC_ISSUER.", issuer=self._issuer, name=name)
        return found

    def _metadata(self) -> Mapping[str, Any]:
        with self._lock:
            return self._locked_metadata()

    def _locked_metadata(self) -> Mapping[str, Any]:
        if not self._found:
            found = _get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise Unavailable("The identity provider calls itself {found}, not {issuer}. Check PORTAL_OIDC_ISSUER.",
                                  found=str(found.get("issuer"))[:200], issuer=self._issuer)  # fmt: skip
            self._found = found
        return self._found


def _get(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=TIMEOUT_S)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as problem:
        raise _unavailable(problem) from problem
    return found if isinstance(found, dict) else {}


def _unavailable(problem: Exception) -> Unavailable:
    return Unavailable("The identity provider does not answer ({reason}). Try again, or ask an admin.", reason=type(problem).__name__)
