"""Write strings under conditions (patterns, formats, lengths, forbidden texts) as GBNF rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from models.schema.expressions.automata import Automaton, Builder
from models.schema.expressions.nodes import END, START, Node, Nodes, TooLarge
from models.schema.expressions.patterns import NotRegular, search

_HOUR = "([01][0-9]|2[0-3])"
_MINUTES = "[0-5][0-9]"
_LEAP = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DATE = (
    "(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
)
_TIME = rf"{_HOUR}:{_MINUTES}:{_MINUTES}(\.[0-9]{{1,6}})?(Z|[+-]{_HOUR}:{_MINUTES})"
_LABEL = "[A-Za-z0-9]+(-+[A-Za-z0-9]+)*"
_SHORT_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HEX4 = "[0-9A-Fa-f]{1,4}"
_PCHAR = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_TAIL = rf"(\?({_PCHAR}|[/?])*)?(#({_PCHAR}|[/?])*)?"
_N = "[0-9]{1,4}"
_CLOCK = f"({_N}H({_N}M({_N}S)?)?|{_N}M({_N}S)?|{_N}S)"
_WORD = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
FORMATS = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "duration": f"^P({_N}W|({_N}Y({_N}M({_N}D)?)?|{_N}M({_N}D)?|{_N}D)(T{_CLOCK})?|T{_CLOCK})$",
    "email": rf"^{_WORD}(\.{_WORD})*@{_LABEL}(\.{_LABEL})+$",
    "hostname": rf"^{_SHORT_LABEL}(\.{_SHORT_LABEL})*$",
    "ipv4": rf"^({_BYTE}\.){{3}}{_BYTE}$",
    "ipv6": rf"^({_HEX4}:){{7}}{_HEX4}$",
    "uri": rf"^[A-Za-z][A-Za-z0-9+.-]*:(//{_HOST}(:[0-9]{{1,5}})?(/{_PCHAR}*)*|{_PCHAR}+(/{_PCHAR}*)*){_TAIL}$",
    "uuid": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
}
"""Every text that they allow is valid; not every valid text is allowed (an IPv6 address, for example, only without abbreviations)."""


@dataclass(frozen=True, slots=True)
class Text:
    """The conditions of a string. without: texts that may not occur in it."""

    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    never: tuple[str, ...] = ()
    never_like: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def only_length(self) -> bool:
        return not (self.patterns or self.formats or self.never or self.never_like or self.without)

    def automaton(self) -> Automaton | None:
        """Return the automaton; None if no text fits. Only where `problem` is None."""
        return _made(self)[0]

    def problem(self) -> str | None:
        """Return why this cannot be an automaton; None if it can."""
        return _made(self)[1]


@lru_cache(maxsize=1024)
def _made(wanted: Text) -> tuple[Automaton | None, str | None]:
    """Return (the automaton, the reason why there is none)."""
    nodes = Nodes()

    def whole(inner: Node) -> Node:
        return nodes.sequence((nodes.set([(START, START)]), inner, nodes.set([(END, END)])))

    try:
        parts = [whole(nodes.repeat(nodes.any, wanted.least, wanted.most))]
        parts += [search(pattern, nodes) for pattern in wanted.patterns]
        parts += [search(FORMATS[form], nodes) for form in wanted.formats if form in FORMATS]
        parts += [nodes.other(search(pattern, nodes)) for pattern in wanted.never_like]
        if wanted.never:
            parts.append(nodes.other(nodes.either(whole(nodes.text(text)) for text in wanted.never)))
        parts += [nodes.other(nodes.sequence((nodes.everything, nodes.text(text), nodes.everything))) for text in wanted.without]
        return Builder(nodes).automaton(nodes.both(parts)), None
    except NotRegular as problem:
        return None, str(problem)
    except TooLarge:
        return None, "it is too large"


def followed(wanted: Text) -> tuple[Text, tuple[str, ...]]:
    """Return (as much of it as an automaton can follow, the keywords of the rest)."""
    unknown = tuple(form for form in wanted.formats if form not in FORMATS)
    left_out = [f"format ({form})" for form in unknown]
    wanted = replace(wanted, formats=tuple(form for form in wanted.formats if form not in unknown))
    kept: list[str] = []
    for pattern in wanted.patterns:
        if Text(patterns=(pattern,), without=wanted.without).problem() is None:
            kept.append(pattern)
        else:
            left_out.append("pattern")
    wanted = replace(wanted, patterns=tuple(kept))
    if wanted.never_like and Text(never_like=wanted.never_like).problem() is not None:
        wanted, left_out = replace(wanted, never_like=()), [*left_out, "not"]
    if wanted.only_length or wanted.problem() is None:
        return wanted, tuple(left_out)
    # Each is possible, all together are not: keep the pattern, which says most.
    free = replace(wanted, least=0, most=None)
    automaton = free.automaton() if free.problem() is None else None
    if automaton is not None and automaton.shortest >= wanted.least:
        wanted = replace(wanted, least=0)
    for key, looser in (("maxLength", replace(wanted, most=None)), ("minLength", replace(wanted, least=0))):
        if wanted.problem() is not None and looser != wanted:
            wanted, left_out = looser if looser.problem() is None else replace(looser, least=0, most=None), [*left_out, key]
    while wanted.problem() is not None and len(wanted.patterns) + len(wanted.formats) > 1:
        wanted = replace(wanted, formats=()) if wanted.formats else replace(wanted, patterns=wanted.patterns[:1])
        left_out.append("pattern")
    if wanted.problem() is not None:
        return Text(without=wanted.without), (*left_out, "pattern")
    return wanted, tuple(left_out)


def choice(literals: Iterable[str], name: str) -> dict[str, str]:
    """Write rules for one of the texts: shared beginnings are written once, so that few alternatives are open at a time."""
    rules: dict[str, str] = {}

    def rule(texts: list[str], at: int, name: str) -> None:
        groups: dict[str, list[str]] = {}
        for text in texts:
            groups.setdefault(text[at : at + 1], []).append(text)
        choices = []
        for group in groups.values():
            shared = _common(group)
            if len(group) == 1 or shared == len(group[0]) == max(map(len, group)):
                choices.append(quoted(group[0][at:]))
            else:
                inner = f"{name}-{len(choices)}"
                choices.append(f"{quoted(group[0][at:shared])} {inner}")
                rule(group, shared, inner)
        rules[name] = " | ".join(choices)

    rule(sorted(set(literals)), 0, name)
    return rules


def _common(texts: list[str]) -> int:
    """Return the length of the common beginning of the texts, which are sorted."""
    first, last = texts[0], texts[-1]
    length = min(len(first), len(last))
    return next((at for at in range(length) if first[at] != last[at]), length)


def quoted(text: str) -> str:
    """Quote a text for GBNF."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\\u0000")
    written = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f'"{written}"'
