"""Parse the regular expressions of JSON Schema (ECMAScript's) into `regular`'s nodes.

Features that an automaton cannot follow (backreferences, word boundaries, look-behind, Unicode properties, look-ahead within a group) are
refused.
"""

from __future__ import annotations

from models.schema.expressions.nodes import END, LAST, START, Node, Nodes, Ranges, merged, outside

MAX_CHARACTERS = 2_000
MAX_NESTING = 30
MAX_REPEATS = 2_000
_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
                  (0x205F, 0x205F), (0x3000, 0x3000))  # fmt: skip
_NO_SPACE = outside([*_SPACE, (0x1C, 0x1F), (0x85, 0x85), (0xFEFF, 0xFEFF)])
"""Characters that only one of ECMAScript and Python takes for a space."""
_LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_SHORTHANDS = {
    "d": _DIGIT, "D": outside(_DIGIT), "w": _WORD, "W": outside(_WORD), "s": _SPACE, "S": _NO_SPACE,
}  # fmt: skip
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "0": 0}


class NotRegular(Exception):
    """The pattern is not a regular expression, or one that an automaton cannot follow. str() says why."""


def search(pattern: str, nodes: Nodes) -> Node:
    """Return the texts, between START and END, in which the pattern matches somewhere. Raises NotRegular and regular.TooLarge."""
    if len(pattern) > MAX_CHARACTERS:
        raise NotRegular(f"it has more than {MAX_CHARACTERS:,} characters")
    return nodes.sequence((nodes.everything, _Reader(pattern, nodes).whole()))


class _Reader:
    def __init__(self, pattern: str, nodes: Nodes) -> None:
        self._text = pattern
        self._at = 0
        self._nodes = nodes
        self._started = False
        """Whether only ^ was read, so that another ^ adds nothing."""

    def whole(self) -> Node:
        found = self._alternatives(0)
        if self._at < len(self._text):
            raise NotRegular("a bracket is closed that was not opened")
        return found

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, what: str) -> bool:
        if self._text.startswith(what, self._at):
            self._at += len(what)
            return True
        return False

    def _alternatives(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise NotRegular(f"it is nested more than {MAX_NESTING} deep")
        started = self._started
        choices = [self._sequence(depth)]
        while self._take("|"):
            self._started = started
            choices.append(self._sequence(depth))
        return self._nodes.either(choices)

    def _sequence(self, depth: int) -> Node:
        """Read a sequence. The top level ends with whatever may follow the match, which look-aheads see too."""
        parts: list[Node | tuple[Node, bool]] = []
        while self._next() not in ("", "|", ")"):
            if self._text.startswith(("(?=", "(?!"), self._at):
                if depth:
                    raise NotRegular("it looks ahead within a group")
                parts.append(self._look_ahead(depth))
            else:
                parts.append(self._repeated(self._item(depth)))
        found = self._nodes.everything if depth == 0 else self._nodes.empty
        for part in reversed(parts):
            if isinstance(part, Node):
                found = self._nodes.sequence((part, found))
            else:
                seen = self._nodes.sequence((part[0], self._nodes.everything))
                found = self._nodes.both((seen if part[1] else self._nodes.other(seen), found))
        return found

    def _look_ahead(self, depth: int) -> tuple[Node, bool]:
        wanted = self._text[self._at + 2] == "="
        self._at += 3
        started = self._started
        found = self._alternatives(depth + 1)
        self._started = started
        self._close()
        return found, wanted

    def _close(self) -> None:
        if not self._take(")"):
            raise NotRegular("a closing bracket is missing")

    def _item(self, depth: int) -> Node:
        character = self._next()
        self._at += 1
        if character == "^":
            started, self._started = self._started, True
            return self._nodes.empty if started else self._nodes.set([(START, START)])
        if character == "(":
            return self._group(depth)
        self._started = False
        match character:
            case "[":
                return self._nodes.set(self._class())
            case ".":
                return self._nodes.set(outside(_LINE_ENDS))
            case "$":
                return self._nodes.set([(END, END)])
            case "\\":
                return self._nodes.set(self._escape(in_class=False))
            case "*" | "+" | "?":
                raise NotRegular(f"{character} has nothing before it")
        return self._nodes.set([(ord(character), ord(character))])

    def _group(self, depth: int) -> Node:
        if self._take("?") and not self._take(":"):
            name = self._text[self._at :].partition(">")[0].removeprefix("P").removeprefix("<")
            if not (self._take("P<") or self._take("<")) or not name.isidentifier():
                raise NotRegular("it has a group of a kind that is not offered, such as a look-behind")
            self._at += len(name) + 1
        found = self._alternatives(depth + 1)
        self._started = False
        self._close()
        return found

    def _repeated(self, part: Node) -> Node:
        least, most = 1, 1
        match self._next():
            case "*":
                least, most, self._at = 0, None, self._at + 1  # type: ignore[assignment]
            case "+":
                most, self._at = None, self._at + 1  # type: ignore[assignment]
            case "?":
                least, self._at = 0, self._at + 1
            case "{":
                counted = self._counted()
                if counted is None:
                    return part
                least, most = counted  # type: ignore[assignment]
            case _:
                return part
        self._take("?")
        if self._next() in ("*", "+", "?"):
            raise NotRegular(f"{self._next()} has nothing before it")
        return self._nodes.repeat(part, least, most)

    def _counted(self) -> tuple[int, int | None] | None:
        """Read {2}, {2,} or {2,5}; returns None where the bracket is a literal."""
        inside, closed, _ = self._text[self._at + 1 :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not (least.isdecimal() and least.isascii()) or (most and not (most.isdecimal() and most.isascii())):
            return None
        if len(least) > 6 or len(most) > 6 or max(int(least), int(most or 0)) > MAX_REPEATS:
            raise NotRegular(f"it repeats more than {MAX_REPEATS:,} times")
        if most and int(most) < int(least):
            raise NotRegular("a repetition ends before it begins")
        self._at += len(inside) + 2
        return int(least), (int(most) if most else None) if comma else int(least)

    def _class(self) -> Ranges:
        """Read the content of [ and ]."""
        negated = self._take("^")
        found: list[tuple[int, int]] = []
        while not self._take("]"):
            low = self._member()
            if self._text.startswith("-", self._at) and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
                    found += [*low, (0x2D, 0x2D), *high]  # as in [\w-.], where the dash is a literal
                elif high[0][0] < low[0][0]:
                    raise NotRegular("a range of characters ends before it begins")
                else:
                    found.append((low[0][0], high[0][0]))
            else:
                found += low
        return outside(found) if negated else merged(found)

    def _member(self) -> Ranges:
        character = self._next()
        if not character:
            raise NotRegular("a set of characters does not end")
        self._at += 1
        return self._escape(in_class=True) if character == "\\" else ((ord(character), ord(character)),)

    def _escape(self, *, in_class: bool) -> Ranges:
        character = self._next()
        self._at += 1
        if character in _SHORTHANDS:
            return _SHORTHANDS[character]
        if character == "b" and in_class:
            return ((8, 8),)
        if character in _CONTROLS:
            code = _CONTROLS[character]
        elif character == "x":
            code = self._hex(2)
        elif character == "u":
            code = self._braced() if self._take("{") else self._hex(4)
            if 0xD800 <= code < 0xDC00 and self._take("\\u"):
                code = 0x10000 + ((code - 0xD800) << 10) + ((self._hex(4) - 0xDC00) & 0x3FF)
        elif character == "c" and self._next().isascii() and self._next().isalpha():
            code = ord(self._next()) % 32
            self._at += 1
        elif not character or character.isalnum():
            raise NotRegular(f"\\{character} is not offered")
        else:
            code = ord(character)
        return ((code, code),)

    def _hex(self, digits: int) -> int:
        written = self._text[self._at : self._at + digits]
        try:
            code = int(written, 16) if len(written) == digits and written.isalnum() else -1
        except ValueError:
            code = -1
        if code < 0:
            raise NotRegular("an escape does not name a character")
        self._at += digits
        return code

    def _braced(self) -> int:
        inside, closed, _ = self._text[self._at :].partition("}")
        if not closed or not 1 <= len(inside) <= 6:
            raise NotRegular("an escape does not name a character")
        code = self._hex(len(inside))
        self._at += 1
        if code > LAST:
            raise NotRegular("an escape does not name a character")
        return code
