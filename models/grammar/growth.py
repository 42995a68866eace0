"""Refuse grammars with too many open alternatives at once, found by following the most expensive text."""

from __future__ import annotations

import heapq
from itertools import count

from core.errors import InvalidInput
from models.grammar.rules import Grammar
from models.grammar.stacks import OutOfWork, Stacks

MAX_WORK = 20_000
"""Most visits for the check, beyond the last step."""
MAX_STATES = 400
"""Most states that are examined."""
MAX_FOR_A_TEXT = 8_000
"""Visits that any text may cost, however short."""
MAX_PER_CHARACTER = 2_000
"""Further visits that each of its characters may cost."""
MAX_AT_ONCE = 800
"""Most stacks (ways to continue) after the same text. JSON has 5 to 30, an object with 400 optional properties 400."""
MAX_LENGTH = 40
"""Most characters that are followed."""


def check_growth(grammar: Grammar) -> None:
    """Raise InvalidInput if following some text costs too much.

    States with the most stacks are followed first, since their cost grows fastest. A grammar that grows only after a longer text is
    detected while an answer is made, and only that answer fails.
    """
    order = count()
    left = MAX_WORK
    try:
        stacks = Stacks(grammar, MAX_FOR_A_TEXT)
        waiting = [(0, 0, next(order), MAX_FOR_A_TEXT - stacks.left, stacks.start)]
        seen = {id(stacks.start)}
        while waiting and left > 0 and len(seen) < MAX_STATES:
            _, length, _, spent, state = heapq.heappop(waiting)
            stacks.left = MAX_FOR_A_TEXT
            for found, cost in stacks.explore(state):
                left -= cost
                stacks.left = MAX_FOR_A_TEXT
                if len(found.stacks) > MAX_AT_ONCE or spent + cost > MAX_FOR_A_TEXT + MAX_PER_CHARACTER * (1 - length):
                    raise too_ambiguous()
                if id(found) not in seen and -length < MAX_LENGTH:
                    seen.add(id(found))
                    heapq.heappush(waiting, (-len(found.stacks), length - 1, next(order), spent + cost, found))
    except OutOfWork:
        raise too_ambiguous() from None


def too_ambiguous() -> InvalidInput:
    return InvalidInput(
        "The answer format allows too many continuations at once. Use fewer optional parts, and start alternatives differently."
    )
