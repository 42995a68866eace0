"""Assemble the REST application: routes, errors, body limits, request ids and counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from importlib import import_module

from fastapi import APIRouter, FastAPI
from starlette.routing import Match
from starlette.types import Scope

from api import errors
from api.logged_paths import LoggedPaths
from api.middleware.answer_headers import AnswerHeaders
from api.middleware.bodies.body_limit import BodyLimit
from api.middleware.bodies.packed_bodies import PackedBodies
from api.middleware.cross_origin import CrossOrigin
from api.middleware.early_refusals import EarlyRefusals
from api.middleware.plain_paths import PlainPaths
from api.middleware.request_ids import RequestIds
from api.recent_callers import RecentCallers
from api.services import Portal
from core.errors import StartFailed
from core.transfers.uploads import MAX_PIECE

PORTALS = {
    "session": "people.sessions",
    "sessions": "people.open_sessions",
    "second-factor": "people.second_factor",
    "oidc": "people.oidc",
    "keys": "people.keys",
    "conversations": "chat.conversations",
    "folders": "chat.folders",
    "context": "chat.context",
    "tools": "chat.tools",
    "instructions": "chat.instructions",
    "memories": "chat.memories",
    "shares": "chat.shares",
    "follow-ups": "chat.follow_ups",
    "chat-imports": "chat.imports",
    "side-by-side": "chat.side_by_side",
    "files": "knowledge.files",
    "queries": "knowledge.queries",
    "ground": "grounding.ground",
    "ground-images": "grounding.images",
    "ground-batches": "grounding.batches",
    "ground-evaluations": "grounding.evaluations",
    "feedback": "review.feedback",
    "cases": "review.cases",
    "review-guidelines": "review.guidelines",
    "review-questions": "review.questions",
    "judgements": "review.judgements",
    "review-progress": "review.progress",
    "own-feedback": "review.own_feedback",
    "training-consent": "review.training_consent",
    "datasets": "review.datasets",
    "rating-form": "review.rating_forms",
    "arena": "arena.arena",
    "experiments": "arena.experiments",
    "search": "search.search",
    "usage": "usage.usage",
    "alerts": "usage.alerts",
    "boards": "usage.boards",
    "machines": "usage.machines",
    "costs": "usage.costs",
    "reports": "usage.reports",
    "models": "models.models",
    "plans": "models.plans",
    "downloads": "models.downloads",
    "quantizations": "models.quantizations",
    "comparisons": "models.comparisons",
    "results": "models.results",
    "presets": "models.presets",
    "prompts": "prompts.prompts",
    "collections": "documents.collections",
    "documents": "documents.documents",
    "model-access": "models.access",
    "swaps": "models.swaps",
    "swap-questions": "models.swap_questions",
    "platforms": "models.platforms",
    "people": "people.people",
    "roles": "people.roles",
    "groups": "people.groups",
    "limits": "people.limits",
    "audit": "people.audit",
    "privacy": "people.privacy",
    "plugins": "operations.plugins",
    "notices": "notices.notices",
    "index": "operations.index",
    "store": "operations.store",
    "retention": "operations.retention",
    "logs": "operations.logs",
    "jobs": "tasks.jobs",
    "tasks": "workflows.tasks",
    "task-runs": "workflows.runs",
    "task-templates": "workflows.templates",
    "task-schedules": "workflows.schedules",
}
"""The portal's own groups of routes: the name of each in PORTAL_ROUTES, and its module in api/portal/."""
DIALECTS = {
    "openai": (
        "model_lists.model_routes", "openai.chat_routes", "openai.completion_routes", "openai.vector_routes", "responses.response_routes",
    ),
    "anthropic": ("anthropic.message_routes",),
    "batches": ("batches.file_routes", "batches.batch_routes"),
    "directory": ("directory_routes",),
}
"""Groups of routes under /v1, each with its modules in api/."""
FILES_PATH, BATCH_FILES_PATH, MODEL_PIECES_PATH = "/api/v1/files", "/v1/files", "/api/v1/models/upload"
"""Paths that accept more than MAX_BODY_BYTES. They repeat PATH of their modules, whose import would load them on every server."""
IMAGE_PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/api/v1/ground")
"""Paths whose requests can hold as many images as a question can have files. Base64 turns three bytes into four."""
COLLECTIONS_PATH, DOCUMENTS_END = "/api/v1/collections/", "/documents"
"""Beginning and end of the path that accepts a document."""
GROUND_BATCHES_PATH = "/api/v1/ground-batches"
OPENAPI_PATH = "/api/v1/openapi.json"
INTERNAL_PATH = "/internal/"
"""User servers call here (api/internal/); a call may also carry a file."""
INTERNAL_BATCH_PATH = "/internal/v1/call/ground_batches/start"
"""This call carries the images of a batch."""
FORM_BYTES = 100_000
"""Bytes that a form adds to its file."""
MAX_BODY_BYTES = 1024 * 1024
"""Limit for every body except an uploaded file."""


def build(portal_getter: Callable[[], Portal], routes: Collection[str] | None = None, *, remote: bool = False) -> FastAPI:
    """Build the application; `portal_getter` is called on each request. Raises StartFailed for an unknown group of routes.

    routes: groups to serve besides health; None: all. Groups that are left out are not imported. remote: whether this is a user server,
    whose health is that of its connection. FastAPI's own pages are off: they load from other hosts.
    """
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
    app.state.callers = RecentCallers()
    errors.install(app)
    if not remote:  # A user server has neither models nor passwords.
        app.add_middleware(EarlyRefusals, portal=portal_getter, callers=app.state.callers)
    paths = [OPENAPI_PATH]
    for router, refusals in _routers(routes, remote):
        app.include_router(Group(router), responses=refusals)
        paths += [str(getattr(route, "path", "/")) for route in router.routes]
    # On a thread, unlike FastAPI: building the description takes long enough to hold up every stream.
    app.add_api_route(OPENAPI_PATH, lambda: app.openapi(), include_in_schema=False)

    def max_bytes(path: str) -> int:
        if path == BATCH_FILES_PATH and (routes is None or "batches" in routes):
            return portal_getter().program_files.max_bytes + FORM_BYTES
        if path == INTERNAL_BATCH_PATH:
            return portal_getter().ground_batches.max_bytes + MAX_BODY_BYTES
        if path.startswith(INTERNAL_PATH):
            return portal_getter().files.max_bytes + MAX_BODY_BYTES
        if path == MODEL_PIECES_PATH:
            return MAX_PIECE
        if path == GROUND_BATCHES_PATH:
            return portal_getter().ground_batches.max_bytes
        if path in IMAGE_PATHS:
            return portal_getter().files.max_bytes * 4 // 3 + MAX_BODY_BYTES
        is_document = path.startswith(COLLECTIONS_PATH) and path.endswith(DOCUMENTS_END)
        return portal_getter().files.max_bytes if is_document or path == FILES_PATH else MAX_BODY_BYTES

    app.add_middleware(AnswerHeaders)
    app.add_middleware(PackedBodies, max_bytes=max_bytes)
    app.add_middleware(BodyLimit, max_bytes=max_bytes)
    app.add_middleware(PlainPaths)
    app.add_middleware(CrossOrigin, origins=lambda: portal_getter().settings.origins)
    if routes is None or "metrics" in routes:
        _count_requests(app, portal_getter)
    app.add_middleware(RequestIds, paths=LoggedPaths(paths))
    return app


class Group(APIRouter):
    """Routes that are tried only for paths that begin as one of them does.

    FastAPI tries the routes of an application one after another, which took half of the processor time of a small request.
    """

    def __init__(self, router: APIRouter) -> None:
        super().__init__(routes=list(router.routes))
        self._beginnings = tuple({str(getattr(route, "path", "/")).partition("{")[0] for route in router.routes})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope["path"].startswith(self._beginnings) else (Match.NONE, {})


def _routers(wanted: Collection[str] | None, remote: bool) -> Iterator[tuple[APIRouter, dict[int | str, dict[str, object]]]]:
    """Import and yield the routers of these groups, each with the refusals that its routes share."""
    known = {*PORTALS, *DIALECTS, "metrics", "internal"}
    for name in wanted or ():
        if name not in known:
            raise StartFailed("PORTAL_ROUTES names {name}. Choose from: {known}.", name=name, known=", ".join(sorted(known)))
    if wanted is None or "internal" in wanted:
        yield _router("internal.routes"), {}  # First: routes are tried in order, and a page of a user server makes many calls.
    for group, module in PORTALS.items():
        if wanted is None or group in wanted:
            yield _router(f"portal.{module}"), errors.REFUSALS
    for group, modules in DIALECTS.items():
        if wanted is None or group in wanted:
            for module in modules:
                yield _router(module), {}
    yield _router("monitoring.user_health_routes" if remote else "monitoring.health_routes"), {}
    if wanted is None or "metrics" in wanted:
        yield _router("monitoring.metrics_routes"), {}


def _router(module: str) -> APIRouter:
    router = import_module(f"api.{module}").router
    assert isinstance(router, APIRouter)
    return router


def _count_requests(app: FastAPI, portal_getter: Callable[[], Portal]) -> None:
    from api.monitoring import metrics_routes

    app.state.metrics = metrics_routes.RequestCount(portal_getter)
    app.add_middleware(metrics_routes.CountRequests, metrics=app.state.metrics)
