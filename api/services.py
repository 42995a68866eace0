"""Hand routes the portal whose services they call."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from bootstrap.portal import Portal


def portal_of(request: Request) -> Portal:
    return cast(Portal, request.app.state.portal())


PortalHere = Annotated[Portal, Depends(portal_of)]
