"""Read the keys with which user servers authenticate to the admin server."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.errors import StartFailed
from settings import Settings, listed

SHORTEST = 32
MAX_KEYS = 4


def service_keys(settings: Settings) -> tuple[str, ...]:
    """Return the keys; empty if none is set. Raises StartFailed.

    An admin server accepts all of them, a user server sends the first. The file is read again when it changes, so that a key can be
    replaced while the servers run.
    """
    if not settings.service_keys_file:
        return _checked(settings.service_keys)
    path = Path(settings.service_keys_file).expanduser()
    try:
        return _of_file(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as problem:
        raise StartFailed("PORTAL_SERVICE_KEYS_FILE {path} cannot be read.", path=path) from problem


@lru_cache(4)
def _of_file(path: Path, _changed_ns: int) -> tuple[str, ...]:
    return _checked(",".join(path.read_text("utf-8").split()))


@lru_cache(4)
def _checked(written: str) -> tuple[str, ...]:
    keys = tuple(listed(written))
    if len(keys) > MAX_KEYS:
        raise StartFailed("PORTAL_SERVICE_KEYS has {n} keys; at most {most} are accepted. Remove the old ones.", n=len(keys), most=MAX_KEYS)
    if any(len(key) < SHORTEST or not key.isascii() or not key.isprintable() for key in keys):
        raise StartFailed("Each key of PORTAL_SERVICE_KEYS must have at least {n} ASCII characters: openssl rand -hex 32", n=SHORTEST)
    return keys
