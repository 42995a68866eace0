"""Say which passwords may be chosen: 8 to 128 characters of any kind, but none that attackers try first (ASVS 5.0, 6.2)."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from core.errors import InvalidInput

SHORTEST, MAX_LENGTH = 8, 128
KNOWN = Path(__file__).with_name("known_passwords.txt")
"""One a line, in lower case; lines with # tell where they come from."""
_OURS = ("glmportal", "glm-portal", "glm portal")


def generate_password() -> str:
    """Generate a password of 16 characters, about 95 bits."""
    return secrets.token_urlsafe(12)


def check_password(password: str, *names: str) -> None:
    """Raise InvalidInput for a password that nobody should choose. names: those of the person, which are no password either."""
    if len(password) < SHORTEST:
        raise InvalidInput("A password needs at least {least} characters.", least=SHORTEST)
    if len(password) > MAX_LENGTH:
        raise InvalidInput("A password can have at most {most} characters.", most=MAX_LENGTH)
    plain = password.casefold().strip()
    if plain in {name.casefold() for name in names}:
        raise InvalidInput("A password cannot be the person's own name. Choose another one.")
    if plain in known_passwords() or len(set(password)) == 1 or plain.rstrip("0123456789!.") in _OURS:
        raise InvalidInput("This password is one of those that attackers try first. Choose another one, for example several words.")


@cache
def known_passwords() -> frozenset[str]:
    return frozenset(line for line in KNOWN.read_text("utf-8").splitlines() if not line.startswith("#"))
