"""Assemble the REST application: routes, errors, body limits, request ids and counts."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from api import errors, health_routes, metrics_routes
from api.anthropic import message_routes
from api.middleware.body_limit import BodyLimit
from api.middleware.cross_origin import CrossOrigin
from api.middleware.packed_bodies import PackedBodies
from api.middleware.plain_paths import PlainPaths
from api.middleware.request_ids import RequestIds
from api.openai import chat_routes, completion_routes, vector_routes
from api.portal.chat import conversations, folders
from api.portal.knowledge import files
from api.portal.models import models
from api.portal.operations import index, retention, store
from api.portal.people import groups, people, roles, sessions
from api.portal.review import feedback
from api.portal.search import search
from api.portal.tasks import jobs
from api.portal.usage import usage
from api.responses import response_routes
from bootstrap.portal import Portal

MAX_BODY_BYTES = 1024 * 1024
"""Limit for every body except an uploaded file."""


def build(portal_getter: Callable[[], Portal]) -> FastAPI:
    """Build the application; `portal_getter` is called on each request. FastAPI's own pages are off: they load from other hosts."""
    app = FastAPI(
        title="GLM Portal",
        description="See docs/rest.md for signing in, asking and streaming.",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.portal = portal_getter
    errors.install(app)
    metrics = metrics_routes.RequestCount(portal_getter)
    ours = (
        *(sessions, conversations, folders, files, feedback, search),
        *(usage, models, people, roles, groups, index, store, retention, jobs),
    )
    for routes in ours:
        app.include_router(routes.router, responses=errors.REFUSALS)
    for routes in (chat_routes, completion_routes, vector_routes, response_routes, message_routes, health_routes):
        app.include_router(routes.router)
    app.include_router(metrics_routes.router)
    # On a thread, unlike FastAPI: building the description takes long enough to hold up every stream.
    app.add_api_route("/api/v1/openapi.json", lambda: app.openapi(), include_in_schema=False)
    app.state.metrics = metrics

    def max_bytes(path: str) -> int:
        return portal_getter().files.max_bytes if path == files.PATH else MAX_BODY_BYTES

    app.add_middleware(PackedBodies, max_bytes=max_bytes)
    app.add_middleware(BodyLimit, max_bytes=max_bytes)
    app.add_middleware(PlainPaths)
    app.add_middleware(CrossOrigin, origins=lambda: portal_getter().settings.origins)
    app.add_middleware(metrics_routes.CountRequests, metrics=metrics)
    app.add_middleware(RequestIds)
    return app
