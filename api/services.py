"""Give routes the portal whose services they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

if TYPE_CHECKING:
    from bootstrap.portal import Portal as Portal
else:
    # FastAPI evaluates annotations. A user server must not import what bootstrap.portal connects.
    Portal = object


async def portal_of(request: Request) -> Portal:
    """Return the portal. Async, so that FastAPI takes no thread for it."""
    return cast(Portal, request.app.state.portal())


PortalHere = Annotated[Portal, Depends(portal_of)]
