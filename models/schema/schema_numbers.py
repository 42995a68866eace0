"""Write numbers within bounds as GBNF: their digits, cut into blocks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from typing import Any

MAX_DIGITS = 15
"""Digits of whole numbers without a bound: every reader of JSON keeps so many exact."""
MAX_DECIMALS = 12
"""Digits after the decimal point."""
MAX_LISTED = 100
"""Most multiples that are written out one by one."""
MAX_REMAINDERS = 100
FURTHEST: int = 10**MAX_DIGITS - 1


class Nowhere(Exception):
    """No number lies within the bounds."""


def bound(value: Any) -> Decimal | None:
    """Return the number that a schema states; None if it is not one, or too long."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        exact = Decimal(str(value)) if isinstance(value, float) or abs(value) < 10**400 else None
    except (InvalidOperation, ValueError):
        return None
    return exact if exact is not None and exact.is_finite() else None


def integers(low: int, high: int) -> str:
    """Write the whole numbers from `low` to `high` as alternatives of digits. Raises Nowhere."""
    if low > high:
        raise Nowhere
    choices = []
    if low < 0:
        choices.append(f'"-" ({" | ".join(_digits(max(1, -high), -low))})')
    if high >= 0:
        choices += _digits(max(0, low), high)
    return " | ".join(choices)


def _digits(low: int, high: int) -> list[str]:
    return [_block(head, digit, last, free) for head, digit, last, free in _blocks(low, high)]


def _block(head: int, digit: int, last: int, free: int) -> str:
    one = f"[{digit}-{last}]" if digit < last else f'"{digit}"'
    return (f'"{head}" ' if head else "") + one + (f" [0-9]{{{free}}}" if free else "")


def _blocks(low: int, high: int) -> list[tuple[int, int, int, int]]:
    """Cut `low` to `high`, neither negative, into blocks such as 3[4-9] and [4-9][0-9]: (head, first digit, last digit, free digits)."""
    found = []
    while low <= high:
        free = 0
        while low and low % 10 ** (free + 1) == 0 and low + 10 ** (free + 1) - 1 <= high:
            free += 1
        size = 10**free
        head, digit = divmod(low // size, 10)
        last = min(9, high // size - head * 10 - (0 if high % size == size - 1 else 1))
        found.append((head, digit, last, free))
        low = (head * 10 + last + 1) * size
    return found


def multiples(low: int, high: int, step: int, rule: Callable[[str], str]) -> str | None:
    """Write the multiples of `step` from `low` to `high`; None where that is impossible. rule: makes a GBNF rule. Raises Nowhere."""
    first, last = -(-low // step), high // step
    if first > last:
        raise Nowhere
    if last - first < MAX_LISTED:
        return " | ".join(f'"{number * step}"' for number in range(first, last + 1))
    if step > MAX_REMAINDERS and 10**4 % step:
        return None
    # Numbers without a bound of their own are shorter; otherwise the remainders at every digit would take too much space.
    digits = 9 if 10**4 % step == 0 else 6
    low, high = max(low, -(10**digits) + 1), min(high, 10**digits - 1)
    known: dict[tuple[int, int], str | None] = {}

    def ending(free: int, remainder: int) -> str | None:
        """Write `free` more digits that make the whole a multiple; the digits before them leave `remainder`."""
        if free == 0:
            return "" if remainder == 0 else None
        if free > 4 and 10**4 % step == 0:
            return f"[0-9]{{{free - 4}}} {ending(4, 0)}"  # only the last four digits matter
        key = (free, remainder)
        if key not in known:
            by_rest: dict[str, list[int]] = {}
            for digit in range(10):
                rest = ending(free - 1, (remainder * 10 + digit) % step)
                if rest is not None:
                    by_rest.setdefault(rest, []).append(digit)
            choices = [f"[{''.join(map(str, digits))}] {rest}".strip() for rest, digits in by_rest.items()]
            known[key] = rule(" | ".join(choices)) if choices else None
        return known[key]

    def all_of(low: int, high: int) -> list[str]:
        choices = []
        for head, digit, last, free in _blocks(low, high):
            by_rest: dict[str, list[int]] = {}
            for one in range(digit, last + 1):
                rest = ending(free, (head * 10 + one) % step)
                if rest is not None:
                    by_rest.setdefault(rest, []).append(one)
            choices += [(f'"{head}" ' if head else "") + f"[{''.join(map(str, ones))}] {rest}".strip() for rest, ones in by_rest.items()]
        return choices

    choices = []
    if low < 0:
        negative = all_of(max(1, -high), -low)
        choices += [f'"-" ({" | ".join(negative)})'] if negative else []
    if high >= 0:
        choices += all_of(max(0, low), high)
    if not choices:
        raise Nowhere
    return " | ".join(choices)


def decimals(low: Decimal | None, high: Decimal | None, *, above: bool, below: bool, places: int = MAX_DECIMALS) -> str:
    """Write numbers from `low` to `high` without exponents. above, below: whether the bound itself is excluded. Raises Nowhere."""
    unit = 10**places
    first = -FURTHEST * unit if low is None else _scaled(low, unit, ROUND_CEILING, 1 if above else 0)
    last = FURTHEST * unit if high is None else _scaled(high, unit, ROUND_FLOOR, -1 if below else 0)
    if first > last:
        raise Nowhere
    choices = []
    if first < 0:
        choices.append(f'"-" ({" | ".join(_positive(max(1, -last), -first, places))})')
    if last >= 0:
        choices += _positive(max(0, first), last, places)
    return " | ".join(choices)


def _scaled(number: Decimal, unit: int, rounding: str, step: int) -> int:
    """Return the number in units of its last place, moved by `step` if it is a whole number of them."""
    with localcontext() as context:
        context.prec = 1_000
        number = max(min(number, Decimal(FURTHEST + 1)), Decimal(-FURTHEST - 1))
        scaled = number * unit
        whole: Decimal = scaled.to_integral_value(rounding)
    return max(-FURTHEST * unit, min(FURTHEST * unit, int(whole) + (step if whole == scaled else 0)))


def _positive(first: int, last: int, places: int) -> list[str]:
    """Write alternatives for the numbers from `first` to `last`, in units of the last place, neither negative."""
    unit = 10**places
    begin, from_ = divmod(first, unit)
    end, to = divmod(last, unit)
    if begin == end:
        return [_with_point(begin, from_, to, places)]
    choices = [] if from_ == 0 else [_with_point(begin, from_, unit - 1, places)]
    begin = begin if from_ == 0 else begin + 1
    whole_end = end if to == unit - 1 else end - 1
    if begin <= whole_end:
        choices.append(f"({integers(begin, whole_end)})" + (f' ("." [0-9]{{1,{places}}})?' if places else ""))
    if whole_end < end:
        choices.append(_with_point(end, 0, to, places))
    return choices


def _with_point(whole: int, from_: int, to: int, places: int) -> str:
    choices, none = _places(from_, to, places)
    if not choices:
        return f'"{whole}"'
    point = f'("." ({" | ".join(choices)}))'
    return f'"{whole}" {point}' + ("?" if none else "")


def _places(from_: int, to: int, places: int) -> tuple[list[str], bool]:
    """Write alternatives for up to so many digits, followed only by zeros. Also returns whether there may be none."""
    if places == 0:
        return [], from_ == 0
    size = 10 ** (places - 1)
    if (from_, to) == (0, size * 10 - 1):
        return [f"[0-9]{{1,{places}}}"], True
    choices, free = [], []
    for digit in range(10):
        low, high = max(from_, digit * size) - digit * size, min(to, digit * size + size - 1) - digit * size
        if low > high:
            continue
        inner, none = _places(low, high, places - 1)
        if (low, high) == (0, size - 1):
            free.append(digit)
        elif not inner:
            choices.append(f'"{digit}"')
        else:
            choices.append(f'"{digit}" ({" | ".join(inner)})' + ("?" if none else ""))
    if free:
        choices.append(f"[{free[0]}-{free[-1]}]" + (f" [0-9]{{0,{places - 1}}}" if places > 1 else ""))
    return choices, from_ == 0
