from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest

from core.identity import totp

SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_at(SECRET, totp.step_of(moment)) == code
    assert totp.matching_step(SECRET, code, moment) == totp.step_of(moment)


def test_a_clock_may_be_half_a_minute_wrong_and_no_more() -> None:
    now = datetime(2026, 11, 1, 12, 0, 10, tzinfo=UTC)
    for steps, accepted in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = totp.code_at(SECRET, totp.step_of(now + timedelta(seconds=30 * steps)))
        assert (totp.matching_step(SECRET, code, now) is not None) is accepted


@pytest.mark.parametrize("code", ["", "1", "28708", "2870822", "２８７０８２", "\ud800"])
def test_anything_else_is_no_code(code: str) -> None:
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None


def test_secrets_are_random_and_the_address_names_them() -> None:
    one, other = totp.new_secret(), totp.new_secret()
    assert one != other and len(one) == 32
    assert totp.address(one, "ana@example.org", "GLM Portal") == f"otpauth://totp/GLM%20Portal:ana%40example.org?secret={one}&issuer=GLM%20Portal"
