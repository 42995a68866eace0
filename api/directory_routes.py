"""List what the API under /v1 offers."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.errors import OPENAI_REFUSALS

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)


class RouteOut(BaseModel):
    method: str
    path: str
    dialect: str = Field(description="OpenAI or Anthropic.")
    description: str


class DirectoryOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[RouteOut]
    openapi: str = Field(description="The path of the complete description.")


@router.get("")
def directory(request: Request) -> DirectoryOut:
    """List the routes of this API."""
    described = request.app.openapi()["paths"]
    routes = [
        RouteOut(method=method.upper(), path=path, dialect=route["tags"][0], description=route.get("description", "").split("\n")[0])
        for path, methods in described.items()
        for method, route in methods.items()
        if path == "/v1" or path.startswith("/v1/")
    ]
    return DirectoryOut(data=sorted(routes, key=lambda route: (route.path, route.method)), openapi="/api/v1/openapi.json")
