"""Say which pages and routes a server has, and whether the portal itself is in its process. What it leaves out is not imported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.errors import StartFailed
from settings import Settings, listed

START_PAGE = "chat"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one server runs. Health is always served, and so are a person's own pages: account, keyboard, sign-out."""

    name: str
    pages: frozenset[str] | None = None
    """Paths of its pages; None: every page."""
    routes: frozenset[str] | None = None
    """Names of its groups of routes (api/application.py); None: every group."""
    remote: bool = False
    """Whether the portal runs on the admin server and this process only draws its pages."""


PROFILES = {
    "all": Profile("all"),
    "admin": Profile("admin"),
    "user": Profile(
        "user", pages=frozenset({START_PAGE, "search", "shared", "prompts", "images"}),
        routes=frozenset({"session", "files", "oidc", "ground-images"}), remote=True,
    ),
}


def profile_of(settings: Settings) -> Profile:
    """Return the profile of the settings, with its own pages and routes where they name some. Raises StartFailed."""
    profile = PROFILES[settings.profile]
    if settings.pages:
        pages = frozenset(listed(settings.pages))
        if START_PAGE not in pages:
            raise StartFailed("PORTAL_PAGES must include {page}: it is the start page.", page=START_PAGE)
        profile = replace(profile, pages=pages)
    if settings.routes:
        profile = replace(profile, routes=frozenset(listed(settings.routes)))
    return profile
