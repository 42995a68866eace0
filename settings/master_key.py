"""Read the master key of encryption at rest."""

from __future__ import annotations

import shlex
import subprocess
from base64 import b64decode
from pathlib import Path

from core.errors import StartFailed
from settings.fields import Settings

KEY_COMMAND_S = 30


def read_key(written: str, name: str) -> bytes:
    """Decode 32 bytes written in base64. name: the setting to name in the error. Raises StartFailed."""
    try:
        key = b64decode(written.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise StartFailed("{name} must be 32 bytes in base64. Create one with: openssl rand -base64 32", name=name)
    return key


def master_key(settings: Settings) -> bytes | None:
    """Return the master key from the setting, the file or the command; None if none is set. Raises StartFailed."""
    if settings.master_key:
        return read_key(settings.master_key, "PORTAL_MASTER_KEY")
    if settings.master_key_file:
        try:
            written = Path(settings.master_key_file).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise StartFailed("PORTAL_MASTER_KEY_FILE {path} cannot be read.", path=settings.master_key_file) from problem
        return read_key(written, "PORTAL_MASTER_KEY_FILE")
    if settings.master_key_command:
        try:
            asked = subprocess.run(
                shlex.split(settings.master_key_command), capture_output=True, text=True, check=True, timeout=KEY_COMMAND_S
            )
        except (OSError, ValueError, subprocess.SubprocessError) as problem:
            raise StartFailed("PORTAL_MASTER_KEY_COMMAND did not print a key. Run it manually to see why.") from problem
        return read_key(asked.stdout, "PORTAL_MASTER_KEY_COMMAND")
    return None
