"""Define kinds of personal data, what was found, and what a group's policy does about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import InvalidInput

EVERY_GROUP = "*"
MAX_PATTERNS = 20
MAX_PATTERN = 200


class Kind(StrEnum):
    ID_NUMBER = "id_number"
    """A Chinese identity number, with a right check digit."""
    PHONE = "phone"
    BANK_CARD = "bank_card"
    IBAN = "iban"
    EMAIL = "email"
    SECRET = "secret"
    """A key, token, password or private key."""
    OWN = "own"
    """What an own pattern of the policy finds."""


class Action(StrEnum):
    OFF = "off"
    WARN = "warn"
    MASK = "mask"
    REFUSE = "refuse"


MASKS = {
    Kind.ID_NUMBER: "[ID NUMBER]",
    Kind.PHONE: "[PHONE]",
    Kind.BANK_CARD: "[BANK CARD]",
    Kind.IBAN: "[IBAN]",
    Kind.EMAIL: "[E-MAIL]",
    Kind.SECRET: "[SECRET]",
    Kind.OWN: "[MASKED]",
}
"""What stands in place of a masked value. It is part of the text, so it is the same in every language."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Where a text holds personal data."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyPolicy:
    """What a group does about personal data. The policy of EVERY_GROUP holds for groups without one."""

    group: str = EVERY_GROUP
    input: Action = Action.OFF
    """Questions, files and requests."""
    output: Action = Action.OFF
    """Answers and exports. WARN and REFUSE are not for them."""
    kinds: frozenset[Kind] = field(default_factory=lambda: frozenset(Kind))
    patterns: tuple[str, ...] = ()
    """Own patterns, in the syntax of RE2."""

    def __post_init__(self) -> None:
        if self.output not in (Action.OFF, Action.MASK):
            raise InvalidInput("Answers and exports can only be masked or left as they are.")
        if len(self.patterns) > MAX_PATTERNS:
            raise InvalidInput("A policy can have at most {most} own patterns.", most=MAX_PATTERNS)
        for pattern in self.patterns:
            if not 0 < len(pattern) <= MAX_PATTERN:
                raise InvalidInput("A pattern needs 1 to {limit} characters.", limit=MAX_PATTERN)
