"""JSON Schema as GBNF, so that an answer cannot but follow it. Small and bounded: what it does not know it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from core.errors import InvalidInput
from models.prompting.grammar import MOST_CHARACTERS, MOST_REPEATS

MOST_DEPTH = 32
MOST_PARTS = 1_000
"""Schemas within the schema, properties and values of enumerations together."""
MOST_DIGITS = 15
"""Of whole numbers without a bound: what every reader of JSON keeps exact."""
_ANNOTATIONS = frozenset(
    {
        "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated", "readOnly",
        "writeOnly", "format", "discriminator",
    }
)  # fmt: skip
_KNOWN = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": set[str](),
    "boolean": set[str](),
    "null": set[str](),
}
_TYPES = tuple(_KNOWN)
# A bounded run of blanks: a model could otherwise write them without end.
_BASE = {
    "ws": r'| " " | "\n" [ \t]{0,20}',
    "char": r'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "string": r'"\"" char* "\""',
    "number": r'"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
    "boolean": r'"true" | "false"',
    "null": r'"null"',
    "pair": r'string ws ":" ws value',
    "object": r'"{" ws (pair (ws "," ws pair)*)? ws "}"',
    "array": r'"[" ws (value (ws "," ws value)*)? ws "]"',
    "value": "object | array | string | number | boolean | null",
}
OBJECT_RULES = "".join(f"{name} ::= {body}\n" for name, body in _BASE.items())
"""The rules for any JSON value, `object` among them."""
_HOUR = '([01] [0-9] | "2" [0-3])'
_FORMATS = {
    "date": r'[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [1-2] [0-9] | "3" [0-1])',
    "time": rf'{_HOUR} ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{{1,6}})? ("Z" | [-+] {_HOUR} ":" [0-5] [0-9])',
    "uuid": r'[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
}
_FORMATS["date-time"] = f'{_FORMATS["date"]} "T" {_FORMATS["time"]}'


def grammar_of(schema_text: str) -> str:
    """GBNF for answers that are JSON and follow the schema. Raises InvalidInput for what is wrong, too large or not offered."""
    try:
        return _Converter(json.loads(schema_text)).grammar()
    except (ValueError, RecursionError):
        raise InvalidInput("The schema is not valid JSON.") from None


class _Converter:
    """Each schema becomes an expression; those that may be used twice, a rule of their own."""

    def __init__(self, schema: Any) -> None:
        self._root = schema
        self._rules = dict(_BASE)
        self._references: dict[str, str] = {}
        self._parts = 0
        self._characters = 0

    def grammar(self) -> str:
        root = self._expression(self._root, "the schema", 0)
        self._put("root", f"ws {root}")
        return "".join(f"{name} ::= {body}\n" for name, body in self._rules.items())

    def _rule(self, body: str) -> str:
        name = f"r{len(self._rules)}"
        self._put(name, body)
        return name

    def _put(self, name: str, body: str) -> None:
        self._characters += len(body)
        if self._characters > MOST_CHARACTERS // 2:
            raise InvalidInput("The schema is too large. Leave parts of it out.")
        self._rules[name] = body

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST_PARTS:
            raise InvalidInput("The schema has more than {limit} parts. Leave some out.", limit=MOST_PARTS)

    def _expression(self, schema: Any, place: str, depth: int) -> str:
        self._count(1)
        if depth > MOST_DEPTH:
            raise InvalidInput("The schema is nested more than {limit} deep.", limit=MOST_DEPTH)
        if schema is True or schema == {}:
            return "value"
        if not isinstance(schema, dict):
            raise _wrong(place, "a schema must be a JSON object")
        for key, convert in self._combinations.items():
            if key in schema:
                _only(schema, {key, "type", "nullable"}, place)
                return convert(schema, place, depth)
        types = schema.get("type", self._guessed(schema))
        types = types if isinstance(types, list) else [types]
        if not types or len(types) > len(_TYPES) or any(one not in _TYPES for one in types):
            raise _wrong(place, "type must be object, array, string, integer, number, boolean or null")
        _only(schema, {"type", "nullable"}.union(*(_KNOWN[one] for one in types)), place)
        if schema.get("nullable") is True and "null" not in types:
            types = [*types, "null"]
        return _either([self._typed(one, schema, place, depth) for one in types])

    @staticmethod
    def _guessed(schema: dict[str, Any]) -> str | list[str]:
        """The type that the keywords speak of; without any, every type but with no conditions."""
        found = [one for one in ("object", "array", "string", "integer") if _KNOWN[one] & schema.keys()]
        return found[0] if found else [one for one in _TYPES if one != "integer"]

    @property
    def _combinations(self) -> dict[str, Callable[[dict[str, Any], str, int], str]]:
        return {
            "$ref": self._reference,
            "const": lambda schema, place, depth: _literal(schema["const"]),
            "enum": self._enumeration,
            "anyOf": lambda schema, place, depth: self._any_of(schema["anyOf"], f"{place}.anyOf", depth),
            "oneOf": lambda schema, place, depth: self._any_of(schema["oneOf"], f"{place}.oneOf", depth),
            "allOf": self._all_of,
        }

    def _enumeration(self, schema: dict[str, Any], place: str, _depth: int) -> str:
        values = schema["enum"]
        if not isinstance(values, list) or not values:
            raise _wrong(place, "enum must be a list with at least one value")
        self._count(len(values))
        return self._rule(" | ".join(_literal(value) for value in values))

    def _any_of(self, choices: Any, place: str, depth: int) -> str:
        if not isinstance(choices, list) or not choices:
            raise _wrong(place, "it must be a list with at least one schema")
        return _either([self._expression(one, f"{place}.{number}", depth + 1) for number, one in enumerate(choices)])

    def _all_of(self, schema: dict[str, Any], place: str, depth: int) -> str:
        choices = schema["allOf"]
        if not isinstance(choices, list) or len(choices) != 1:
            raise _wrong(place, "allOf with more than one schema is not offered")
        return self._expression(choices[0], f"{place}.allOf", depth + 1)

    def _reference(self, schema: dict[str, Any], place: str, depth: int) -> str:
        """A rule for each target, made once: a schema may refer to itself."""
        target = schema["$ref"]
        if not isinstance(target, str) or not target.startswith("#"):
            raise _wrong(place, "$ref must point into the schema itself, as in #/$defs/name")
        if target not in self._references:
            name = self._references[target] = f"ref{len(self._references)}"
            found = self._find(target, place)
            if isinstance(found, dict) and found.keys() & {"$ref", "anyOf", "oneOf", "allOf"}:
                # Only a rule that consumes something may come back to itself: llama.cpp knows no left recursion.
                self._check_leads_on(found, place, {target})
            self._put(name, self._expression(found, target, depth + 1))
        return self._references[target]

    def _check_leads_on(self, schema: Any, place: str, seen: set[str]) -> None:
        self._count(1)
        if not isinstance(schema, dict):
            return
        target = schema.get("$ref")
        if isinstance(target, str):
            if target in seen:
                raise _wrong(place, "$ref leads back to itself")
            self._check_leads_on(self._find(target, place), place, seen | {target})
        for key in ("anyOf", "oneOf", "allOf"):
            choices = schema.get(key)
            for one in choices if isinstance(choices, list) else ():
                self._check_leads_on(one, place, seen)

    def _find(self, target: str, place: str) -> Any:
        found = self._root
        for step in target.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or step not in found:
                raise _wrong(place, f"there is nothing at {target[:100]}")
            found = found[step]
        return found

    def _typed(self, kind: str, schema: dict[str, Any], place: str, depth: int) -> str:
        match kind:
            case "object" if "properties" in schema or "additionalProperties" in schema or "required" in schema:
                return self._object(schema, place, depth)
            case "array":
                return self._array(schema, place, depth)
            case "string":
                return self._string(schema, place)
            case "integer":
                return self._rule(_integers(*_bounds(schema, place)))
        return kind

    def _object(self, schema: dict[str, Any], place: str, depth: int) -> str:
        """Properties in the schema's order; further ones, if it offers them, at the end."""
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise _wrong(place, "properties must be an object and required a list")
        missing = [name for name in required if name not in properties]
        if missing:
            raise _wrong(place, f"required names {str(missing[0])[:100]}, which is not among the properties")
        self._count(len(properties))
        pairs = [
            self._rule(f'{_literal(name)} ws ":" ws {self._expression(one, f"{place}.{name[:100]}", depth + 1)}')
            for name, one in properties.items()
        ]
        more = schema.get("additionalProperties", not properties)
        value = None if more is False else self._expression(more, f"{place}.additionalProperties", depth + 1)
        extra = value and self._rule(f'string ws ":" ws {value}')
        # rest: what may follow once something is written; first: the same where nothing is written yet.
        rest = self._rule(f'(ws "," ws {extra})*' if extra else '""')
        first = self._rule(f"({extra} {rest})?" if extra else '""')
        for name, pair in reversed(list(zip(properties, pairs, strict=True))):
            first = self._rule(f"{pair} {rest}" if name in required else f"{pair} {rest} | {first}")
            rest = self._rule(f'ws "," ws {pair} {rest}' if name in required else f'(ws "," ws {pair})? {rest}')
        return f'"{{" ws {first} ws "}}"'

    def _array(self, schema: dict[str, Any], place: str, depth: int) -> str:
        least, most = _size(schema, "minItems", 0, place), _size(schema, "maxItems", None, place)
        assert least is not None
        fixed = schema.get("prefixItems", [])
        if fixed:
            if not isinstance(fixed, list) or schema.get("items", False) is not False:
                raise _wrong(place, "prefixItems with further items is not offered")
            items = [self._expression(one, f"{place}.prefixItems", depth + 1) for one in fixed]
            return '"[" ws ' + ' ws "," ws '.join(items) + ' ws "]"'
        item = self._rule(self._expression(schema.get("items", True), f"{place}.items", depth + 1))
        further = self._rule(f'ws "," ws {item}')
        if most is not None and most < max(least, 1):
            if most < least:
                raise _wrong(place, "maxItems is below minItems")
            return '"[" ws "]"'
        repeated = f"{further}{{{max(0, least - 1)},{'' if most is None else most - 1}}}"
        return f'"[" ws {item} {repeated} ws "]"' if least else f'"[" ws ({item} {repeated})? ws "]"'

    def _string(self, schema: dict[str, Any], place: str) -> str:
        least, most = _size(schema, "minLength", 0, place), _size(schema, "maxLength", None, place)
        form = _FORMATS.get(str(schema.get("format")))
        if form is not None:
            return self._rule(rf'"\"" {form} "\""')
        if not least and most is None:
            return "string"
        if most is not None and least is not None and most < least:
            raise _wrong(place, "maxLength is below minLength")
        return self._rule(rf'"\"" char{{{least},{"" if most is None else most}}} "\""')


def _integers(low: int, high: int) -> str:
    """The whole numbers from `low` to `high`, as alternatives of digits."""
    choices = [] if low >= 0 else [f'"-" ({" | ".join(_digits(max(1, -high), -low))})']
    if high >= 0:
        choices += _digits(max(0, low), high)
    return " | ".join(choices)


def _digits(low: int, high: int) -> list[str]:
    """`low` to `high`, neither negative, cut into blocks such as 3[4-9] and [4-9][0-9]."""
    choices = []
    while low <= high:
        free = 0
        while low and low % 10 ** (free + 1) == 0 and low + 10 ** (free + 1) - 1 <= high:
            free += 1
        size = 10**free
        head, digit = divmod(low // size, 10)
        last = min(9, high // size - head * 10 - (0 if high % size == size - 1 else 1))
        choices.append((f'"{head}" ' if head else "") + f"[{digit}-{last}]" + (f" [0-9]{{{free}}}" if free else ""))
        low = (head * 10 + last + 1) * size
    return choices


def _bounds(schema: dict[str, Any], place: str) -> tuple[int, int]:
    furthest = 10**MOST_DIGITS - 1
    bounds = {"minimum": -furthest, "maximum": furthest, "exclusiveMinimum": -furthest - 1, "exclusiveMaximum": furthest + 1}
    for key in bounds:
        value = schema.get(key, bounds[key])
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > furthest + 1:
            raise _wrong(place, f"{key} must be a whole number of at most {MOST_DIGITS} digits")
        bounds[key] = value
    low = max(bounds["minimum"], bounds["exclusiveMinimum"] + 1)
    high = min(bounds["maximum"], bounds["exclusiveMaximum"] - 1)
    if low > high:
        raise _wrong(place, "no number lies within its bounds")
    return low, high


def _size(schema: dict[str, Any], key: str, default: int | None, place: str) -> int | None:
    value = schema.get(key, default)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_REPEATS):
        raise _wrong(place, f"{key} must lie between 0 and {MOST_REPEATS}")
    return value


def _either(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else "(" + " | ".join(choices) + ")"


def _literal(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode().replace("\0", "\\u0000")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _only(schema: dict[str, Any], known: set[str], place: str) -> None:
    """Refuse a condition that the answer would not follow."""
    for key in schema:
        if key not in known and key not in _ANNOTATIONS:
            raise _wrong(place, f"{str(key)[:100]} is not offered here")


def _wrong(place: str, reason: str) -> InvalidInput:
    return InvalidInput("The schema cannot be used: at {place}, {reason}.", place=place[:300], reason=reason)
