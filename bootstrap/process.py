"""Hold the portal of this process: start it once, hand it out, stop it."""

from __future__ import annotations

import os
import threading

import settings as portal_settings
from bootstrap.portal import Portal, _build_recorded, ensure_first_admin, load_models
from core.errors import StartFailed
from core.inference.ports import Router
from core.models.ports import ModelPool
from core.people.ports import PasswordHasher
from models.serving.precedence import give_way as give_way
from settings import Settings

_portal: Portal | None = None


_lock = threading.Lock()


def start(
    settings: Settings, *, pool: ModelPool | None = None, router: Router | None = None, hasher: PasswordHasher | None = None
) -> Portal:
    """Build the portal of this process; `portal()` returns it from then on."""
    global _portal
    with _lock:
        if _portal is not None:
            raise StartFailed("The portal of this process is already running.")
        _portal = _build_recorded(settings, pool, router, hasher)
        return _portal


def portal() -> Portal:
    """Return the portal of this process, started from the environment on first use."""
    global _portal
    with _lock:
        if _portal is None:
            chosen = portal_settings.load(os.environ)
            _portal = _build_recorded(chosen)
            ensure_first_admin(_portal)
            load_models(_portal)
        return _portal


def stop() -> bool:
    """Close the portal of this process, if it runs.

    Returns False if native code is still running that only the end of the process can stop.
    """
    global _portal
    with _lock:
        if _portal is None:
            return True
        closing, _portal = _portal, None
        closing.close()
        return not getattr(closing.pool, "left_running", False)
