"""Sign in and out. A password or a page's one-time ticket becomes a token, in the body or in a cookie."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.identity import SignedIn, TokenHere, caller_of, check_same_origin, clear_cookie, origin_of, set_cookie, set_device_cookie
from api.portal.shapes import Asked, Person
from api.services import Portal, PortalHere
from core.errors import InvalidInput, NotSignedIn
from core.people.api_keys import is_api_key
from core.people.records import SessionKind
from core.people.sessions import SESSION_COOKIE
from core.people.signing_in.sign_in import WRONG

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class SignIn(Asked):
    username: str = Field(max_length=500)
    password: str = Field(max_length=1000)
    code: str | None = Field(default=None, max_length=100, description="Of the second factor, or a recovery code, if the account has one.")
    remember: bool = Field(
        default=False, description="Set a cookie that identifies this device, so that other people's wrong passwords do not lock it out."
    )


class Redeem(Asked):
    ticket: str = Field(max_length=200, description="From the sign-in page. Valid once, for 30 s.")


class SessionOpened(BaseModel):
    expires_at: datetime
    user: Person


class TokenOpened(SessionOpened):
    token: str = Field(description="Send it as Authorization: Bearer, or as the api_key of an OpenAI client.")


@router.post("", dependencies=[Depends(check_same_origin)])
async def sign_in(body: SignIn, request: Request, portal: PortalHere, response: Response) -> TokenOpened:
    """Check name and password. Returns a token and sets it as the cookie."""
    if not body.username.isprintable() or "\0" in body.password:
        raise NotSignedIn(WRONG)
    # Await the check without a thread: the threads that pages and routes share stay free for others.
    check = await run_in_threadpool(portal.sign_in.begin, body.username, body.password, caller_of(request))
    proof = await asyncio.wrap_future(check)
    if body.code is not None and await run_in_threadpool(portal.second_factors.needed, proof.user):
        proof = await run_in_threadpool(portal.second_factors.prove, proof, body.code)
    token = await run_in_threadpool(portal.sessions.open, proof, SessionKind.API, origin_of(request))
    set_cookie(response, portal, token)
    if body.remember:
        await run_in_threadpool(set_device_cookie, request, response, portal, proof.user)
    return TokenOpened(token=token, expires_at=_expiry(portal), user=Person.of(proof.user))


@router.post("/ticket", dependencies=[Depends(check_same_origin)])
def redeem(body: Redeem, request: Request, portal: PortalHere, response: Response) -> SessionOpened:
    """Exchange a page's ticket for the session cookie and the device cookie. Scripts never see the tokens."""
    token = portal.sessions.redeem_ticket(body.ticket, origin_of(request))
    if before := request.cookies.get(SESSION_COOKIE):
        # End the previous session of this browser, instead of only replacing its cookie.
        portal.sessions.close(before)
    user = portal.sessions.user(token)
    if user is None:
        raise NotSignedIn("This sign-in has expired. Sign in again.")
    set_cookie(response, portal, token)
    set_device_cookie(request, response, portal, user)
    return SessionOpened(expires_at=_expiry(portal), user=Person.of(user))


@router.get("")
def who_am_i(user: SignedIn) -> Person:
    """Return the user of this session."""
    return Person.of(user)


@router.delete("", status_code=204)
def sign_out(portal: PortalHere, token: TokenHere, response: Response) -> None:
    """End the session of the token or cookie at once, and clear the cookie. Ending it twice is not an error."""
    if is_api_key(token):
        raise InvalidInput("An API key is not a session. Revoke it on the Account page, or with DELETE /api/v1/keys/{{key_id}}.")
    portal.sessions.close(token)
    clear_cookie(response, portal)


def _expiry(portal: Portal) -> datetime:
    return datetime.now(UTC) + portal.sessions.lifetime
