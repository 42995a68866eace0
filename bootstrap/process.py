"""Hold the portal of this process: start it once, return it, stop it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import settings as portal_settings
from bootstrap.servers.profiles import Profile, profile_of
from core.errors import StartFailed
from settings import Settings

if TYPE_CHECKING:
    # Imported only to build a portal: a user server builds none, and must import neither data nor models.
    from bootstrap.portal import Portal
    from core.inference.ports import Router
    from core.models.ports import ModelPool
    from core.people.ports import PasswordHasher

_portal: Portal | None = None
_settings: Settings | None = None


_lock = threading.Lock()


def profile() -> Profile:
    """Return the profile of this process, from the settings of its start, else from the environment."""
    return profile_of(_settings or portal_settings.load(os.environ))


def start(
    settings: Settings,
    *,
    pool: ModelPool | None = None,
    router: Router | None = None,
    hasher: PasswordHasher | None = None,
    jobs_only: bool = False,
) -> Portal:
    """Build the portal of this process, which `portal()` then returns. jobs_only: run only background jobs."""
    global _portal, _settings
    with _lock:
        if _portal is not None:
            raise StartFailed("The portal of this process is already running.")
        _settings = settings
        if profile_of(settings).remote:
            _portal = _connect(settings)
        else:
            from bootstrap.portal import build_recorded

            _portal = build_recorded(settings, pool, router, hasher, jobs_only=jobs_only)
        return _portal


def portal() -> Portal:
    """Return the portal of this process, started from the environment on first use."""
    global _portal, _settings
    with _lock:
        if _portal is None:
            _settings = portal_settings.load(os.environ)
            _portal = _connect(_settings) if profile_of(_settings).remote else _complete(_settings)
        return _portal


def _connect(settings: Settings) -> Portal:
    """Connect to the admin server."""
    from bootstrap.servers.remote import connect  # Only a user server needs its client.

    return connect(settings)


def _complete(settings: Settings) -> Portal:
    """Build the portal with its first admin and its models."""
    from bootstrap.portal import build_recorded
    from bootstrap.startup import ensure_first_admin, load_models

    built = build_recorded(settings)
    ensure_first_admin(built)
    load_models(built)
    return built


def stop() -> bool:
    """Close the portal of this process if it is running.

    Returns False if native code is still running, which only the end of the process can stop.
    """
    global _portal
    with _lock:
        if _portal is None:
            return True
        closing, _portal = _portal, None
        closing.close()
        return not getattr(getattr(closing, "pool", None), "left_running", False)
