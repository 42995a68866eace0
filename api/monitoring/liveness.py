"""Report whether a server answers at all."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel


class Alive(BaseModel):
    status: str


def add_liveness(router: APIRouter) -> None:
    """Add /healthz and /health, which confirm that the process answers."""

    @router.get("/healthz")
    @router.head("/healthz", include_in_schema=False)
    @router.get("/health")
    @router.head("/health", include_in_schema=False)
    async def healthz() -> Alive:
        """Confirm that the process answers. Uses no thread and no other component, so that it stays fast under load."""
        return Alive(status="ok")
