"""Compute one-time codes by time: RFC 6238 with SHA-1, six digits and steps of 30 s, as every authenticator app does."""

from __future__ import annotations

import hmac
import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
EARLIER_OR_LATER = 1
"""Steps by which a clock may be wrong."""


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_S


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the step whose code this is, of those that may be current; None if it is wrong."""
    here = step_of(now)
    found = None
    for step in range(here - EARLIER_OR_LATER, here + EARLIER_OR_LATER + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def address(secret: str, name: str, issuer: str) -> str:
    """Return what the QR code for an authenticator app holds."""
    return f"otpauth://totp/{quote(issuer)}:{quote(name)}?secret={secret}&issuer={quote(issuer)}"
