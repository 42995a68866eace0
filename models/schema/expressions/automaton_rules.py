"""Write an automaton as rules of GBNF."""

from __future__ import annotations

from functools import lru_cache

from models.schema.expressions.automata import Automaton
from models.schema.expressions.nodes import Ranges, outside, within

_QUOTED = {'"': '\\\\\\"', "\\": "\\\\\\\\", "\n": "\\\\n", "\r": "\\\\r", "\t": "\\\\t", "\b": "\\\\b", "\f": "\\\\f"}
"""Return a character as it is written in a JSON string, in GBNF's quoting."""
_BARE = outside((ord(character), ord(character)) for character in _QUOTED)


@lru_cache(maxsize=4096)
def characters(ranges: Ranges, *, raw: bool) -> tuple[str, ...]:
    """Return GBNF alternatives for one character of the ranges: raw, or as written in a JSON string."""
    bare = ranges if raw else within(ranges, _BARE)
    found = [f"[{''.join(_span(low, high) for low, high in bare)}]"] if bare else []
    if not raw:
        found += [f'"{written}"' for character, written in _QUOTED.items() if within(ranges, ((ord(character), ord(character)),))]
    return tuple(found)


def _span(low: int, high: int) -> str:
    if low == high:
        return _escaped(low)
    return f"{_escaped(low)}-{_escaped(high)}"


def _escaped(character: int) -> str:
    if 0x30 <= character <= 0x39 or 0x41 <= character <= 0x5A or 0x61 <= character <= 0x7A:
        return chr(character)
    if character < 0x100:
        return f"\\x{character:02X}"
    return f"\\u{character:04X}" if character < 0x10000 else f"\\U{character:08X}"


def rules_of(automaton: Automaton, name: str, *, raw: bool = False) -> dict[str, str]:
    """Return GBNF rules, of which `name` is the whole. raw: the text itself, not as written in a JSON string. A state with one
    predecessor and one continuation is written inline.
    """
    classes: dict[tuple[str, ...], str] = {}

    def one_of(ranges: Ranges) -> str:
        transitions = characters(ranges, raw=raw)
        return transitions[0] if len(transitions) == 1 else classes.setdefault(transitions, f"{name}-c{len(classes)}")

    transitions = [[(one_of(ranges), target) for ranges, target in moves] for moves in automaton.moves]
    entered = [0] * len(transitions)
    for _, target in (symbol for state in transitions for symbol in state):
        entered[target] += 1

    def plain(state: int) -> bool:
        return state != 0 and entered[state] == 1 and len(transitions[state]) + (state in automaton.accepting) == 1

    rules: dict[str, str] = {}
    open_, seen = [0], {0}
    while open_:
        state = open_.pop()
        choices = []
        for symbol, target in transitions[state]:
            written = [symbol]
            while plain(target) and target not in automaton.accepting:
                symbol, target = transitions[target][0]
                written.append(symbol)
            if not plain(target):
                written.append(f"{name}-{target}" if target else name)
                if target not in seen:
                    seen.add(target)
                    open_.append(target)
            choices.append(" ".join(written))
        if state in automaton.accepting:
            choices.append('""')
        rules[name if state == 0 else f"{name}-{state}"] = " | ".join(choices)
    return rules | {rule: " | ".join(each) for each, rule in classes.items()}
