"""Read grammars in GBNF, the notation of llama.cpp, and refuse those that are wrong or too costly to follow.

Repetitions stay counted and are never written out, so that a grammar takes no more memory than its text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from core.errors import InvalidInput
from models.grammar.growth import check_growth
from models.grammar.rules import LAST_CHARACTER, Grammar, GrammarBuilder, Ranges, Step, complement

MAX_CHARACTERS = 65_536
MAX_NESTING = 40
MAX_REPEATS = 50_000
"""Most repetitions of one item."""
_CACHED = 8
_ESCAPE = r'\\(?:["\\\[\]nrt]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})'
_NAME = re.compile(r"[A-Za-z0-9-]+")
_LITERAL = re.compile(rf'"((?:[^"\\\n]|{_ESCAPE})*)"')
_CLASS = re.compile(rf"\[(\^?)((?:[^\]\\\n]|\\-|{_ESCAPE})*)\]")
_CHARACTER = re.compile(r"\\(?:x(..)|u(....)|U(........)|(.))|([^\\])", re.DOTALL)
_COUNT = re.compile(r"\{(\d{1,6})(?:(,)(\d{1,6})?)?\}")
_BLANK = re.compile(r"(?:[ \t]+|#[^\r\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_BLANKS = frozenset(" \t\r\n#")
_CONTROLS = {"n": 10, "r": 13, "t": 9}
_SIGNS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def check_grammar(text: str) -> str:
    """Return the text if it is a grammar that can be followed at a bounded cost. Raises InvalidInput that names the position."""
    read_grammar(text)
    return text


@lru_cache(_CACHED)
def read_grammar(text: str) -> Grammar:
    """Read GBNF with a rule named root. Raises InvalidInput if it is wrong or too costly, within 50 ms."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput("The grammar has more than {limit} characters. Shorten it.", limit=MAX_CHARACTERS)
    if "\0" in text or text.encode("utf-8", "replace").decode() != text:
        raise InvalidInput("The grammar contains characters that are not text.")
    grammar = _Reader(text).read()
    check_growth(grammar)
    return grammar


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._builder = GrammarBuilder()
        self._rules: dict[str, int] = {}
        self._used: dict[str, int] = {}
        """Where each name was used first."""
        self._classes: dict[str, Ranges] = {}
        self._literals: dict[int, Step] = {}

    def read(self) -> Grammar:
        self._skip(lines=True)
        while self._at < len(self._text):
            self._rule()
            self._skip(lines=True)
        defined = self._builder.defined
        if "root" not in self._rules or not defined(self._rules["root"]):
            raise InvalidInput("The grammar has no rule named root, which every answer starts with.")
        for name, at in self._used.items():
            if not defined(self._rules[name]):
                raise self._wrong(f"the rule {name} is not defined", at)
        again = self._builder.left_recursive()
        if again is not None:
            names = {rule: name for name, rule in self._rules.items()}
            raise InvalidInput(
                "The grammar rule {name} is left-recursive: it can begin with itself, so an answer could never proceed. Put the "
                "repeated part first and the rule last, or use * or +.",
                name=names.get(again, "root"),
            )
        return self._builder.grammar(self._rules["root"])

    def _number(self, name: str) -> int:
        number = self._rules.get(name)
        if number is None:
            number = self._rules[name] = self._builder.new_rule()
        return number

    def _rule(self) -> None:
        number = self._number(self._take(_NAME, "the name of a rule")[0])
        self._skip()
        if not self._text.startswith("::=", self._at):
            raise self._wrong("::= is missing")
        self._at += 3
        self._skip(lines=True)
        # As in llama.cpp, a second definition of a rule replaces the first.
        self._builder.define(number, self._alternatives(0))
        if self._at < len(self._text) and self._text[self._at] not in "\r\n":
            raise self._wrong("this does not belong here")

    def _alternatives(self, depth: int) -> list[list[Step]]:
        if depth > MAX_NESTING:
            raise self._wrong(f"brackets are nested more than {MAX_NESTING} deep")
        found = [self._sequence(depth)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(lines=True)
            found.append(self._sequence(depth))
        return found

    def _sequence(self, depth: int) -> list[Step]:
        text, end, steps, lines = self._text, len(self._text), list[Step](), depth > 0
        while self._at < end and text[self._at] not in "|)\r\n":
            begin = self._at
            item = self._item(depth)
            # llama.cpp allows blanks, within brackets also line ends, before a repetition.
            self._skip(lines=lines)
            if self._at < end and text[self._at] in "*+?{":
                steps += self._builder.repeated(item, *self._repetition(begin))
                self._skip(lines=lines)
            else:
                steps += item
        return steps

    def _item(self, depth: int) -> list[Step]:
        match self._text[self._at]:
            case '"':
                found = self._take(_LITERAL, "a closed quoted text with only known escapes")
                return [self._literal(one) for one in (self._points(found[1]) if "\\" in found[1] else map(ord, found[1]))]
            case "[":
                found = self._take(_CLASS, "a closed character set with only known escapes")
                return [self._builder.characters(self._ranges(found[1], found[2]))]
            case ".":
                self._at += 1
                return [self._builder.characters(((0, LAST_CHARACTER),))]
            case "(":
                self._at += 1
                self._skip(lines=True)
                rule = self._builder.new_rule()
                self._builder.define(rule, self._alternatives(depth + 1))
                if not self._text.startswith(")", self._at):
                    raise self._wrong("a closing bracket is missing")
                self._at += 1
                return [self._builder.reference(rule)]
            case _:
                at = self._at
                name = self._take(_NAME, "a rule, a text, a set or a bracket")[0]
                self._used.setdefault(name, at)
                return [self._builder.reference(self._number(name))]

    def _literal(self, point: int) -> Step:
        known = self._literals.get(point)
        if known is None:
            known = self._literals[point] = self._builder.characters(((point, point),))
        return known

    def _points(self, text: str) -> list[int]:
        found = []
        for match in _CHARACTER.finditer(text):
            number = match[1] or match[2] or match[3]
            if number:
                found.append(int(number, 16))
            elif match[4]:
                found.append(_CONTROLS.get(match[4], ord(match[4])))
            else:
                found.append(ord(match[5]))
        return found

    def _ranges(self, negated: str, text: str) -> Ranges:
        known = self._classes.get(negated + text)
        if known is not None:
            return known
        ranges, pending, at, end = list[tuple[int, int]](), -1, 0, len(text)
        while at < end:
            found = _CHARACTER.match(text, at)
            assert found is not None
            [point] = self._points(found[0])
            at = found.end()
            if pending >= 0:
                ranges += [(pending, point)] if pending <= point else []
                pending = -1
            elif at < end and text[at] == "-" and at + 1 < end:
                pending = point
                at += 1
            else:
                ranges.append((point, point))
        made = self._classes[negated + text] = complement(ranges) if negated else tuple(ranges)
        return made

    def _repetition(self, begin: int) -> tuple[int, int | None]:
        sign = _SIGNS.get(self._text[self._at])
        if sign is not None:
            self._at += 1
            return sign
        counted = _COUNT.match(self._text, self._at)
        if counted is None:
            raise self._wrong("a repetition looks like {2}, {2,} or {2,5}")
        low = int(counted[1])
        high = int(counted[3]) if counted[3] else None if counted[2] else low
        if max(low, high or 0) > MAX_REPEATS or (high is not None and high < low):
            raise self._wrong(f"an item is repeated more than {MAX_REPEATS} times, or fewer times than its least", begin)
        self._at = counted.end()
        return low, high

    def _skip(self, *, lines: bool = False) -> None:
        text, at = self._text, self._at
        if text[at : at + 1] == " ":  # nearly always one blank
            at = self._at = at + 1
        if text[at : at + 1] in _BLANKS:
            found = (_BLANK_LINES if lines else _BLANK).match(text, at)
            assert found is not None
            self._at = found.end()

    def _take(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._wrong(f"expected {what}")
        self._at = found.end()
        return found

    def _wrong(self, reason: str, at: int | None = None) -> InvalidInput:
        at = self._at if at is None else at
        line = self._text.count("\n", 0, at) + 1
        near = self._text[at : at + 20].split("\n")[0]
        return InvalidInput("The grammar cannot be used: {reason}, on line {line} at {near}.", reason=reason, line=line, near=repr(near))
