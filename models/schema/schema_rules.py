"""Hold the rules of a grammar that is written from schemas, and its limits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from core.errors import InvalidInput
from models.grammar.reader import MAX_CHARACTERS, MAX_REPEATS
from models.schema.form_joins import Form
from models.schema.schema_forms import wrong

MAX_IGNORED = 50
MAX_COUNTED = 400
"""Most rules for a bounded number of properties, or of different items."""
# A bounded run of blanks: a model could otherwise write them without end.
_HEX = "[0-9a-fA-F]"
_BASE = {
    "ws": r'| " " | "\n" [ \t]{0,20}',
    # Without halves of surrogate pairs, which no reader accepts.
    "char": rf'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}))',
    "string": r'"\"" char* "\""',
    "number": r'"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
    "boolean": r'"true" | "false"',
    "null": r'"null"',
    "pair": r'string ws ":" ws value',
    "object": r'"{" ws (pair (ws "," ws pair)*)? ws "}"',
    "array": r'"[" ws (value (ws "," ws value)*)? ws "]"',
    "value": "object | array | string | number | boolean | null",
}
_NOTHING = r"[^\x00-\U0010FFFF]"


class NothingFits(Exception):
    """No value can satisfy this part of the schema."""


class Rules:
    """The rules of one grammar, which may hold the schemas of several tools."""

    def __init__(self) -> None:
        self._rules = dict(_BASE)
        self._characters = 0
        self._known: dict[str, str] = {}
        """The name of each rule, by its body."""
        self.ignored: list[str] = []

    def text(self) -> str:
        # A rule without a body belongs to a part that nothing fits; no other rule refers to it.
        return "".join(f"{name} ::= {body or _NOTHING}\n" for name, body in self._rules.items())

    def new(self, body: str) -> str:
        """Make a rule, or find the one with the same body: schemas repeat themselves."""
        name = self._known.get(body)
        if name is None:
            name = self._known[body] = self.name()
            self.put(name, body)
        return name

    def name(self) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = ""
        return name

    def put(self, name: str, body: str) -> None:
        self._characters += len(body) + len(name)
        if self._characters > MAX_CHARACTERS // 2:
            raise InvalidInput("The schema is too large. Leave parts of it out.")
        self._rules[name] = body

    def put_all(self, rules: dict[str, str]) -> None:
        for name, body in rules.items():
            self.put(name, body)

    def ignore(self, pointer: str, keyword: str) -> None:
        said = f"{pointer}.{keyword}"[:200]
        if said not in self.ignored and len(self.ignored) < MAX_IGNORED:
            self.ignored.append(said)


class Schemas(Protocol):
    """Writes the schemas within a schema."""

    rules: Rules

    def expression(self, schema: Any, pointer: str, depth: int) -> str:
        """Return the expression for a value of the schema. Raises NothingFits, Nowhere, InvalidInput."""
        ...

    def forms_of(self, schema: Any, pointer: str) -> list[Form]: ...
    def values_of(self, form: Form, pointer: str) -> list[Any]: ...
    def literals(self, values: list[Any]) -> str:
        """Return a rule for any of these values."""
        ...

    def count(self, parts: int) -> None:
        """Count parts of the schema. Raises InvalidInput for too many."""
        ...

    def inside_brackets(self) -> AbstractContextManager[None]:
        """Return a context in which a schema may refer back to an open one: a bracket is written in between."""
        ...


def size(rules: Rules, form: Form, key: str, pointer: str) -> int | None:
    value = form.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise wrong(pointer, f"{key} must be a whole number from 0 on")
    if value <= MAX_REPEATS:
        return value
    if key.startswith("min"):
        raise wrong(pointer, f"{key} must lie between 0 and {MAX_REPEATS}")
    rules.ignore(pointer, key)
    return None
