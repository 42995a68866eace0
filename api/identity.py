"""Identify the caller: a program by its API key or bearer token, a browser by its cookie. Every request queries the database."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from api.middleware.own_names import is_foreign
from api.services import Portal, PortalHere
from core.errors import NotAllowed, NotSignedIn
from core.operations.log_context import add_to_log_context
from core.people.api_keys import is_api_key
from core.people.permissions import require_factor
from core.people.records import Origin, User
from core.people.session_watch import ENDED
from core.people.sessions import SESSION_COOKIE
from core.people.signing_in.devices import DEVICE_COOKIE, DEVICE_DAYS
from core.people.signing_in.sign_in import HERE, Caller

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_FACTOR = "/api/v1/second-factor"
_BEFORE_FACTOR = ("/api/v1/session", _FACTOR, f"{_FACTOR}/confirm")
"""Routes for people who have not set up their second factor yet."""
_bearer = HTTPBearer(auto_error=False, description="An API key, or the token that POST /api/v1/session returns.")
_key = APIKeyHeader(name="x-api-key", auto_error=False, description="The same key or token, in the header that Anthropic's clients use.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="Set by POST /api/v1/session and by signing in on the page.")

BearerHere = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
KeyHere = Annotated[str | None, Security(_key)]
CookieHere = Annotated[str | None, Security(_cookie)]


async def session_token(request: Request, bearer: BearerHere, key: KeyHere, cookie: CookieHere) -> str:
    """Return the caller's token. A browser sends its cookie automatically, so a write based on it must come from the portal's own pages.

    Async, so that FastAPI takes no thread for it.
    """
    if bearer is not None:
        return bearer.credentials
    if key:
        return key
    if cookie is None or is_api_key(cookie):
        raise NotSignedIn("Sign in first: send an API key, or the token of POST /api/v1/session, as Authorization: Bearer.")
    if request.method not in _READS:
        check_same_origin(request)
    return cookie


TokenHere = Annotated[str, Depends(session_token)]


def person_of(portal: Portal, token: str) -> User | None:
    """Return the owner of this API key or session token; None if it is not valid now."""
    return portal.api_keys.user(token) if is_api_key(token) else portal.sessions.user(token)


def signed_in(request: Request, portal: PortalHere, token: TokenHere) -> User:
    user = person_of(portal, token)
    if user is None:
        raise NotSignedIn(ENDED)
    request.app.state.callers.remember(token, user.id)
    request.state.user = user  # For the audit log, if the request is refused later.
    add_to_log_context(user_id=user.id)
    if request.url.path not in _BEFORE_FACTOR:
        require_factor(user)  # Also where a service needs no permission, as for own keys.
    return user


SignedIn = Annotated[User, Depends(signed_in)]


def check_same_origin(request: Request) -> None:
    """Raise NotAllowed if another site's page made the browser send this."""
    if is_foreign(request.headers):
        raise NotAllowed("This came from another site. Open the portal itself, or send the token as Authorization: Bearer.")


def caller_of(request: Request) -> Caller:
    """Return the origin of a sign-in. The address is the connection's, or what a trusted proxy reported (cli/serving/serve.py)."""
    return Caller(request.client.host if request.client else HERE, request.cookies.get(DEVICE_COOKIE))


def origin_of(request: Request) -> Origin:
    """Return the origin from which a session is opened."""
    return Origin(caller_of(request).address, request.headers.get("user-agent", ""))


def set_device_cookie(request: Request, response: Response, portal: Portal, user: User) -> None:
    """Make this browser a known device of the person who has just signed in with it."""
    token = portal.devices.remember(user, request.cookies.get(DEVICE_COOKIE))
    response.set_cookie(
        DEVICE_COOKIE,
        token,
        max_age=DEVICE_DAYS * 24 * 3600,
        path="/",
        secure=portal.settings.secure_cookie,
        httponly=True,
        samesite="strict",
    )


def set_cookie(response: Response, portal: Portal, token: str) -> None:
    """Set a cookie that no script can read and no other site can make the browser send."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(portal.sessions.lifetime.total_seconds()),
        path="/",
        secure=portal.settings.secure_cookie,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, portal: Portal) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=portal.settings.secure_cookie, httponly=True, samesite="strict")
