"""Create the first admin and load the models when a portal starts."""

from __future__ import annotations

from pathlib import Path

from bootstrap.models import GUIDE, newest_crash
from bootstrap.portal import Portal
from core.errors import Conflict, PortalError, StartFailed, StoredError, Unavailable
from core.models.start_records import StartModel
from core.passwords.rules import generate_password
from core.people.records import Role
from models.gguf.facts import model_name
from models.serving.precedence import lower_priority as lower_priority

FIRST_ADMIN = "admin"
MAX_CRASHES = 3
"""A model with this many consecutive crashes in native code is no longer loaded at startup. An admin can still load it."""


def load_models(portal: Portal) -> None:
    """Start loading the model of the settings and those in the start list. The portal also runs without models that fail to load."""
    chosen = portal.settings
    path = Path(chosen.model).expanduser() if chosen.model else GUIDE
    last = newest_crash(chosen.home)
    refusals: dict[str, StoredError] = {}
    if last is not None and last.in_a_row >= MAX_CRASHES:
        words = "It crashed the last {n} runs in llama.cpp. Load it on the Models page, in its own process."
        refusals[last.model] = StoredError(words, {"n": last.in_a_row})
    portal.models.load_at_start(StartModel(name=model_name(path), path=path, settings=chosen.first_load, default=True), refusals)


def ensure_first_admin(portal: Portal) -> str | None:
    """Create the account "admin" if there is no account yet. Returns its password if one was generated."""
    if portal.accounts.has_any():
        return None
    given = portal.settings.admin_password
    password = given or generate_password()
    try:
        portal.accounts.add(None, FIRST_ADMIN, Role.ADMIN, password=password, full_name="Admin")
    except Unavailable as problem:
        raise StartFailed("{problem}", problem=problem) from problem
    except Conflict:
        return None  # Another process on the same database was faster.
    except PortalError as problem:
        raise StartFailed("PORTAL_ADMIN_PASSWORD cannot be used: {problem}", problem=problem) from problem
    return None if given else password
