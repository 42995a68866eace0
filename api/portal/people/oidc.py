"""Sign in through an OpenID Connect provider. Browsers call these routes, and so does the provider when someone logs out there."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.identity import origin_of, set_cookie
from api.services import PortalHere
from core.errors import NotSignedIn, PortalError

router = APIRouter(prefix="/api/v1/oidc", tags=["session"])

KEPT_COOKIE = "glm_portal_oidc"
KEPT_S = 600
_PATH = "/api/v1/oidc"
_HOME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>GLM Portal</title>
<meta http-equiv="refresh" content="0;url=/"><a href="/">GLM Portal</a></html>"""
"""A page, not a redirect: a browser that comes straight from the provider would not send the SameSite=Strict cookie."""
_REFUSED = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>GLM Portal</title>
<p>{sentence}</p><p><a href="/">Back to the sign-in page</a></p></html>"""

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": "Refused, as a page or, for a wrong parameter, as JSON.", "content": {"text/html": {}, "application/json": {}}}
    for status in ("4XX", 422, "5XX")
}


@router.get("/start", response_class=RedirectResponse, status_code=302, responses=_REFUSALS)
def start(portal: PortalHere) -> Response:
    """Send the browser to the provider."""
    try:
        started = portal.single_sign_on.begin()
    except PortalError as problem:
        return _refused(problem)
    response = RedirectResponse(started.address, 302, headers={"Cache-Control": "no-store"})
    # Lax: the provider's page sends the browser back here.
    response.set_cookie(
        KEPT_COOKIE, started.cookie, max_age=KEPT_S, path=_PATH, secure=portal.settings.secure_cookie, httponly=True, samesite="lax"
    )
    return response


@router.get("/callback", response_class=HTMLResponse, responses=_REFUSALS)
def callback(
    request: Request,
    portal: PortalHere,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200, description="Why the provider refused.")] = "",
) -> Response:
    """Receive the browser from the provider: check the identity, set the session cookie, and open the start page."""
    try:
        if error or not code:
            raise NotSignedIn("The identity provider did not confirm this sign-in. Sign in again.")
        token = portal.single_sign_on.finish(request.cookies.get(KEPT_COOKIE, ""), state, code, origin_of(request))
    except PortalError as problem:
        response = _refused(problem)
    else:
        response = HTMLResponse(_HOME)
        set_cookie(response, portal, token)
    response.headers["Cache-Control"] = "no-store"
    response.delete_cookie(KEPT_COOKIE, path=_PATH, secure=portal.settings.secure_cookie, httponly=True, samesite="lax")
    return response


@router.post("/back-channel-logout", status_code=200)
def back_channel_logout(logout_token: Annotated[str, Form(max_length=20_000)], portal: PortalHere, response: Response) -> None:
    """Accept the provider's notice that someone logged out there: the sessions of that sign-in end here."""
    response.headers["Cache-Control"] = "no-store"
    portal.single_sign_on.ended(logout_token)


def _refused(problem: PortalError) -> Response:
    return HTMLResponse(_REFUSED.format(sentence=escape(str(problem))), problem.status, {"Cache-Control": "no-store"})
