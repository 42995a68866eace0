"""Combine the plain forms of a JSON schema, and tell which types and properties a form allows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from models.schema.schema_strings import Text

Form = dict[str, Any]
TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
LARGER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
SMALLER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


def same(value: Any) -> str:
    """Return a text that is equal for values that JSON Schema considers equal."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def join(form: Form, other: Form) -> Form | None:
    """Return the form of values that fit both; None if none does."""
    if not form or not other:
        return {**form, **other}
    found: Form = {**form, **other}
    if "type" in form and "type" in other:
        found["type"] = _common_types(form["type"], other["type"])
        if not found["type"]:
            return None
    if "enum" in form and "enum" in other:
        allowed = {same(value) for value in other["enum"]}
        found["enum"] = [value for value in form["enum"] if same(value) in allowed]
    if "enum" in found and not found["enum"]:
        return None
    for key in form.keys() & other.keys():
        one, two = form[key], other[key]
        if key in LARGER and _is_number(one) and _is_number(two):
            found[key] = max(one, two)
        elif key in SMALLER and _is_number(one) and _is_number(two):
            found[key] = min(one, two)
        elif key == "multipleOf" and isinstance(one, int) and isinstance(two, int) and one > 0 and two > 0:
            found[key] = math.lcm(one, two)
        elif key == "required":
            found[key] = list(dict.fromkeys([*one, *two]))
        elif key == "never":
            found[key] = [*one, *two]
        elif key == "text":
            found[key] = Text(
                tuple(dict.fromkeys(one.patterns + two.patterns)), tuple(dict.fromkeys(one.formats + two.formats)),
                never_like=one.never_like + two.never_like,
            )  # fmt: skip
        elif key in ("items", "propertyNames", "additionalProperties"):
            found[key] = _and(one, two)
        elif key == "uniqueItems":
            found[key] = bool(one or two)
        elif key == "patternProperties":
            found[key] = {name: _and(one.get(name, True), two.get(name, True)) for name in {**one, **two}}
    if "prefixItems" in form or "prefixItems" in other:
        length = max(len(form.get("prefixItems", ())), len(other.get("prefixItems", ())))
        found["prefixItems"] = [_and(_item(form, at), _item(other, at)) for at in range(length)]
    names = {**form.get("properties", {}), **other.get("properties", {})}
    if names:
        found["properties"] = {name: _and(property_of(form, name), property_of(other, name)) for name in names}
    return found


def property_of(form: Form, name: str) -> Any:
    """Return a form's schema for a property, whether it names it or not."""
    found = [form["properties"][name]] if name in form.get("properties", {}) else []
    for pattern, one in form.get("patternProperties", {}).items():
        wanted = Text(patterns=(pattern,))
        automaton = wanted.automaton() if wanted.problem() is None else None
        if automaton is not None and automaton.matches(name):
            found.append(one)
    schema: Any = True
    for one in found or [form.get("additionalProperties", True)]:
        schema = _and(schema, one)
    return schema


def types_of(form: Form) -> list[str]:
    """Return the types that a form allows; if it names none, those that its keywords concern."""
    if "type" in form:
        types = form["type"]
    else:
        speaks = {
            "object": {"properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
                       "maxProperties"},
            "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
            "string": {"text", "minLength", "maxLength"},
            "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
        }  # fmt: skip
        types = [kind for kind, words in speaks.items() if words & form.keys()][:1] or [one for one in TYPES if one != "integer"]
    return [one for one in dict.fromkeys(types) if one != "integer" or "number" not in types]


def _item(form: Form, at: int) -> Any:
    prefix = form.get("prefixItems", ())
    return prefix[at] if at < len(prefix) else form.get("items", True)


def _and(one: Any, two: Any) -> Any:
    if one is False or two is False:
        return False
    if one is True or one == {} or one == two:
        return two
    return one if two is True or two == {} else {"allOf": [one, two]}


def _types(form: Form) -> set[str]:
    return set(form.get("type", TYPES))


def is_object(form: Form) -> bool:
    return _types(form) == {"object"} or bool(form.keys() & {"properties", "required"})


def _common_types(types: list[str], others: list[str]) -> list[str]:
    found = [one for one in types if one in others or (one == "integer" and "number" in others)]
    return found + [one for one in others if one == "integer" and "number" in types and one not in found]


def apart(form: Form, other: Form) -> bool:
    """Tell whether surely no value fits both."""
    joined = join(form, other)
    if joined is None:
        return True
    if "enum" in form and "enum" not in other and "type" in other:
        return not any(fits_type(value, other["type"]) for value in form["enum"])
    if "enum" in other and "enum" not in form and "type" in form:
        return not any(fits_type(value, form["type"]) for value in other["enum"])
    if not (is_object(form) and is_object(other)):
        return False
    for name in joined.get("required", ()):
        schema = property_of(joined, name)
        if schema is False or _empty(schema):
            return True
    return False


def _empty(schema: Any) -> bool:
    """Tell whether surely no value fits a schema, judged by its own values and types."""
    if not (isinstance(schema, dict) and schema.keys() <= {"allOf"} and isinstance(schema.get("allOf"), list)):
        return False
    joined: Form = {}
    for one in schema["allOf"]:
        if isinstance(one, dict):
            one = {"enum": [one["const"]]} if "const" in one else {key: one[key] for key in ("enum", "type") if key in one}
            if isinstance(one.get("type"), str):
                one["type"] = [one["type"]]
            both = join(joined, one)
            if both is None:
                return True
            joined = both
    return False


def fits_type(value: Any, types: Sequence[str]) -> bool:
    match value:
        case None:
            return "null" in types
        case bool():
            return "boolean" in types
        case int() | float():
            return "number" in types or ("integer" in types and float(value).is_integer())
        case str():
            return "string" in types
        case list():
            return "array" in types
    return "object" in types


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
