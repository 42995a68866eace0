"""Choose the pages and routes of a server, and whether the portal itself runs in its process. Other parts are not imported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.errors import StartFailed
from settings import Settings, listed

START_PAGE = "chat"
MOVED = {"feedback": "cases"}
"""Pages that have moved: their new paths by their former ones, which bookmarks and settings may still have."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The parts that one server runs. Health and a person's own pages (account, keyboard, sign-out) are always included."""

    name: str
    pages: frozenset[str] | None = None
    """Paths of the server's pages; None for all pages."""
    routes: frozenset[str] | None = None
    """Names of the server's route groups (api/application.py); None for all groups."""
    remote: bool = False
    """Whether this process only draws the pages of a portal that runs on the admin server."""


PROFILES = {
    "all": Profile("all"),
    "admin": Profile("admin"),
    "user": Profile(
        "user", pages=frozenset({START_PAGE, "search", "shared", "documents", "prompts", "tasks", "images", "arena"}),
        routes=frozenset({"session", "files", "oidc", "ground-images"}), remote=True,
    ),
}


def profile_of(settings: Settings) -> Profile:
    """Return the profile of the settings, with the pages and routes that the settings name, if any. Raises StartFailed."""
    profile = PROFILES[settings.profile]
    if settings.pages:
        pages = frozenset(MOVED.get(path, path) for path in listed(settings.pages))
        if START_PAGE not in pages:
            raise StartFailed("PORTAL_PAGES must include {page}: it is the start page.", page=START_PAGE)
        profile = replace(profile, pages=pages)
    if settings.routes:
        profile = replace(profile, routes=frozenset(listed(settings.routes)))
    return profile
