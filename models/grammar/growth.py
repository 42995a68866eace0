"""Refuses grammars that can go on in too many ways at once: found out by following the text that costs most."""

from __future__ import annotations

import heapq
from itertools import count

from core.errors import InvalidInput
from models.grammar.rules import Grammar
from models.grammar.stacks import OutOfWork, Stacks

MOST_WORK = 20_000
"""Visits that are spent on finding out, beyond the last step."""
MOST_STATES = 400
"""That are looked at."""
MOST_FOR_A_TEXT = 8_000
"""Visits that some text may cost, however short."""
MOST_PER_CHARACTER = 2_000
"""Visits that each of its characters may cost beyond that."""
MOST_AT_ONCE = 800
"""Stacks, which are ways to go on, after the same text. JSON has 5 to 30, an object of 400 optional properties 400."""
LONGEST = 40
"""Characters that are followed."""


def check_growth(grammar: Grammar) -> None:
    """Raises InvalidInput if following some text costs too much.

    The states of most stacks are followed first, so that the work goes where it grows. What grows only after a longer text is
    found while an answer is made, which then fails alone.
    """
    order = count()
    left = MOST_WORK
    try:
        stacks = Stacks(grammar, MOST_FOR_A_TEXT)
        waiting = [(0, 0, next(order), MOST_FOR_A_TEXT - stacks.left, stacks.start)]
        seen = {id(stacks.start)}
        while waiting and left > 0 and len(seen) < MOST_STATES:
            _, length, _, spent, state = heapq.heappop(waiting)
            stacks.left = MOST_FOR_A_TEXT
            for found, cost in stacks.explore(state):
                left -= cost
                stacks.left = MOST_FOR_A_TEXT
                if len(found.stacks) > MOST_AT_ONCE or spent + cost > MOST_FOR_A_TEXT + MOST_PER_CHARACTER * (1 - length):
                    raise too_many_ways()
                if id(found) not in seen and -length < LONGEST:
                    seen.add(id(found))
                    heapq.heappush(waiting, (-len(found.stacks), length - 1, next(order), spent + cost, found))
    except OutOfWork:
        raise too_many_ways() from None


def too_many_ways() -> InvalidInput:
    return InvalidInput(
        "The answer format allows too many continuations at once. Use fewer optional parts, and start alternatives differently."
    )
