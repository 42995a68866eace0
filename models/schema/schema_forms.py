"""Bring a JSON schema into plain forms: alternatives, each with all conditions that must hold together.

Keywords that combine schemas ($ref, allOf, anyOf, oneOf, not, if, dependentRequired) are resolved here, so that the writer of the
grammar sees only types, values, properties and bounds. Only the level of one value is resolved; properties and items stay schemas.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import InvalidInput
from models.schema.schema_strings import Text

Form = dict[str, Any]
TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
MOST_FORMS = 100
MOST_WORK = 4_000
ANNOTATIONS = frozenset(
    {
        "$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary", "title", "description", "default", "examples",
        "example", "deprecated", "readOnly", "writeOnly", "discriminator", "xml", "externalDocs", "contentMediaType", "contentEncoding",
        "markdownDescription", "components", "enumNames", "enumDescriptions", "propertyOrdering", "unevaluatedProperties",
        "unevaluatedItems",
        "strict", "name",
    }
)  # fmt: skip
"""Keywords that say nothing about the value, or are always followed: only properties that a schema names are written."""
_LARGER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_SMALLER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_PLAIN = {
    "type", "enum", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "items", "prefixItems",
    "uniqueItems", "pattern", "format", "multipleOf",
} | _LARGER | _SMALLER  # fmt: skip
COMBINING = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "const", "nullable", "dependentRequired", "dependentSchemas",
     "dependencies", "additionalItems"}
)  # fmt: skip


def wrong(pointer: str, reason: str) -> InvalidInput:
    return InvalidInput("The schema cannot be used: at {place}, {reason}.", place=pointer[:300], reason=reason)


def same(value: Any) -> str:
    """Return a text that is equal for values that JSON Schema considers equal."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


class Forms:
    """Finds the forms of the schemas within one root schema."""

    def __init__(self, root: Any, ignored: Callable[[str, str], None]) -> None:
        """ignored: called with pointer and keyword of each condition that cannot be followed."""
        self._root = root
        self._ignored = ignored
        self._work = 0

    def of(self, schema: Any, pointer: str, seen: frozenset[str] = frozenset()) -> list[Form]:
        """Return the plain forms; none if nothing fits. Raises InvalidInput."""
        self._work += 1
        if self._work > MOST_WORK:
            raise InvalidInput("The schema combines too many schemas. Leave parts of it out.")
        if schema is True or schema == {}:
            return [{}]
        if schema is False:
            return []
        if not isinstance(schema, dict):
            raise wrong(pointer, "a schema must be a JSON object")
        forms = [self._plain(schema, pointer)]
        for key in ("$ref", "allOf", "anyOf", "oneOf", "if", "dependentRequired", "dependentSchemas", "dependencies", "not"):
            if key in schema:
                forms = self._both(forms, getattr(self, _COMBINES[key])(schema, pointer, seen, forms))
        return forms

    def _plain(self, schema: dict[str, Any], pointer: str) -> Form:
        form: Form = {key: value for key, value in schema.items() if key in _PLAIN}
        for key in schema:
            if key not in _PLAIN and key not in ANNOTATIONS and key not in COMBINING and not key.startswith("x-"):
                self._ignored(pointer, key)
        if "type" in form:
            types = form["type"] if isinstance(form["type"], list) else [form["type"]]
            if not types or len(types) > len(TYPES) or any(one not in TYPES for one in types):
                raise wrong(pointer, "type must be object, array, string, integer, number, boolean or null")
            form["type"] = [*types, "null"] if schema.get("nullable") is True and "null" not in types else types
        if "const" in schema:
            values = [schema["const"]]
            form["enum"] = [one for one in form.get("enum", values) if same(one) == same(values[0])]
        elif "enum" in form and (not isinstance(form["enum"], list) or not form["enum"]):
            raise wrong(pointer, "enum must be a list with at least one value")
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(form.get(exclusive), bool):  # as in the fourth draft and in OpenAPI 3.0
                if form.pop(exclusive) and bound in form:
                    form[exclusive] = form.pop(bound)
        if isinstance(form.get("items"), list):  # a tuple, as it was written before prefixItems
            form["prefixItems"] = form.pop("items")
            if "additionalItems" in schema:
                form["items"] = schema["additionalItems"]
        self._check(form, pointer)
        text = Text(
            tuple([form.pop("pattern")] if "pattern" in form else ()),
            tuple([form.pop("format")] if "format" in form else ()),
        )
        if text != Text():
            form["text"] = text
        return form

    @staticmethod
    def _check(form: Form, pointer: str) -> None:
        for key, kind, words in (
            ("properties", dict, "an object"), ("required", list, "a list"), ("patternProperties", dict, "an object"),
            ("prefixItems", list, "a list"), ("pattern", str, "a text"), ("format", str, "a text"),
        ):  # fmt: skip
            if key in form and not isinstance(form[key], kind):
                raise wrong(pointer, f"{key} must be {words}")
        if any(not isinstance(name, str) for name in form.get("required", ())):
            raise wrong(pointer, "required must be a list of names")

    def _reference(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], _forms: Sequence[Form]) -> list[Form]:
        target = schema["$ref"]
        if isinstance(target, str) and target in seen:
            raise wrong(pointer, "$ref leads back to itself")
        return self.of(self.find(target, pointer), pointer, seen | {target})

    def find(self, target: Any, pointer: str) -> Any:
        """Return the schema that a $ref points to."""
        if not isinstance(target, str) or not target.startswith("#"):
            raise wrong(pointer, "$ref must point into the schema itself, as in #/$defs/name")
        found = self._root
        if target[1:2] not in ("", "/"):
            anchors = [one for one in found.get("$defs", {}).values() if isinstance(one, dict) and one.get("$anchor") == target[1:]]
            if anchors:
                return anchors[0]
        for step in target.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~").replace("%20", " ")
            if isinstance(found, list) and step.isdecimal() and len(step) < 6 and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, dict) and step in found:
                found = found[step]
            else:
                raise wrong(pointer, f"there is nothing at {target[:100]}")
        if target not in ("#", "#/") and found is self._root:
            raise wrong(pointer, f"there is nothing at {target[:100]}")
        return found

    def _all_of(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        found: list[Form] = [{}]
        for number, one in enumerate(_schemas(schema, "allOf", pointer)):
            found = self._both(found, self.of(one, f"{pointer}.allOf.{number}", seen))
        return found

    def _any_of(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        return [
            form
            for number, one in enumerate(_schemas(schema, "anyOf", pointer))
            for form in self.of(one, f"{pointer}.anyOf.{number}", seen)
        ]

    def _one_of(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        """Let exactly one fit: where two could, a property that only the other one requires is left out."""
        choices = [
            self._both(forms, self.of(one, f"{pointer}.oneOf.{number}", seen))
            for number, one in enumerate(_schemas(schema, "oneOf", pointer))
        ]
        if sum(map(len, choices)) > MOST_FORMS // 2:
            self._ignored(pointer, "oneOf")
            return [form for choice in choices for form in choice]
        found, exact = [], True
        for number, choice in enumerate(choices):
            others = [form for place_, each in enumerate(choices) if place_ != number for form in each]
            for form in choice:
                for other in others:
                    if _apart(form, other):
                        continue
                    names = [name for name in other.get("required", ()) if name not in form.get("required", ())]
                    if names and _is_object(form):
                        form = {**form, "properties": {**form.get("properties", {}), names[0]: False}}
                    else:
                        exact = False
                found.append(form)
        if not exact:
            self._ignored(pointer, "oneOf")
        return found

    def _condition(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        condition = schema["if"]
        otherwise = self._negated(condition)
        if otherwise is None:
            self._ignored(pointer, "if")
            return [{}]
        yes = self._both(self.of(condition, f"{pointer}.if", seen), self.of(schema.get("then", True), f"{pointer}.then", seen))
        names = list(condition.get("properties", {}))
        yes = self._both(yes, [{"required": names}]) if names else yes
        no = self._both(self.of(otherwise, f"{pointer}.if", seen), self.of(schema.get("else", True), f"{pointer}.else", seen))
        return [*yes, *no]

    @staticmethod
    def _negated(condition: Any) -> dict[str, Any] | None:
        """Return a schema for everything else; None where that cannot be expressed: only properties and required can."""
        if not isinstance(condition, dict) or not condition.keys() - ANNOTATIONS <= {"properties", "required", "type"}:
            return None
        choices: list[dict[str, Any]] = [
            {"properties": {name: {"not": one}}, "required": [name]} for name, one in condition.get("properties", {}).items()
        ]
        choices += [{"properties": {name: False}} for name in condition.get("required", ())]
        return {"anyOf": choices} if choices else None

    def _dependent(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        rules = {**_dict(schema, "dependentRequired"), **_dict(schema, "dependentSchemas"), **_dict(schema, "dependencies")}
        found: list[Form] = [{}]
        for name, needs in rules.items():
            further = {"required": needs} if isinstance(needs, list) else needs
            with_it = self._both([{"required": [name]}], self.of(further, f"{pointer}.{name[:100]}", seen))
            if all(name in form.get("required", ()) for form in forms):
                found = self._both(found, with_it)
            else:
                found = self._both(found, [{"properties": {name: False}}, *with_it])
        return found

    def _not(self, schema: dict[str, Any], pointer: str, seen: frozenset[str], forms: list[Form]) -> list[Form]:
        refused = schema["not"]
        while isinstance(refused, dict) and "$ref" in refused and len(refused.keys() - ANNOTATIONS) == 1:
            refused = self.find(refused["$ref"], pointer)
        match {key: value for key, value in refused.items() if key not in ANNOTATIONS} if isinstance(refused, dict) else refused:
            case True:
                return []
            case False:
                return [{}]
            case {"required": [str(name)], **rest} if rest.keys() <= {"type"}:
                return [{"type": ["object"], "properties": {name: False}}]
            case {"enum": list(values), **rest} if rest.keys() <= {"type"}:
                return [{"never": values}]
            case {"const": value, **rest} if rest.keys() <= {"type"}:
                return [{"never": [value]}]
            case {"type": str() | list() as types, **rest} if not rest:
                out = [types] if isinstance(types, str) else types
                left = [one for one in TYPES if one not in out and not (one == "integer" and "number" in out)]
                if "integer" not in out or "number" in out:
                    return [{"type": left}]
            case {"pattern": str(pattern), **rest} if rest.keys() <= {"type"}:
                return [{"type": ["string"], "text": Text(never_like=(pattern,))}]
            case {"anyOf": list(choices), **rest} if not rest:
                found: list[Form] = [{}]
                for one in choices:
                    found = self._both(found, self._not({"not": one}, pointer, seen, forms))
                return found
        self._ignored(pointer, "not")
        return [{}]

    def _both(self, forms: list[Form], others: list[Form]) -> list[Form]:
        """Combine each form with each other, where both can hold."""
        if len(forms) * len(others) > MOST_FORMS:
            raise InvalidInput("The schema combines too many schemas. Leave parts of it out.")
        joined = (join(form, other) for form in forms for other in others)
        return [form for form in joined if form is not None]


_COMBINES: Mapping[str, str] = {
    "$ref": "_reference", "allOf": "_all_of", "anyOf": "_any_of", "oneOf": "_one_of", "if": "_condition", "not": "_not",
    "dependentRequired": "_dependent", "dependentSchemas": "_dependent", "dependencies": "_dependent",
}  # fmt: skip


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
        if key in _LARGER and _is_number(one) and _is_number(two):
            found[key] = max(one, two)
        elif key in _SMALLER and _is_number(one) and _is_number(two):
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


def _is_object(form: Form) -> bool:
    return _types(form) == {"object"} or bool(form.keys() & {"properties", "required"})


def _common_types(types: list[str], others: list[str]) -> list[str]:
    found = [one for one in types if one in others or (one == "integer" and "number" in others)]
    return found + [one for one in others if one == "integer" and "number" in types and one not in found]


def _apart(form: Form, other: Form) -> bool:
    """Tell whether surely no value fits both."""
    joined = join(form, other)
    if joined is None:
        return True
    if "enum" in form and "enum" not in other and "type" in other:
        return not any(fits_type(value, other["type"]) for value in form["enum"])
    if "enum" in other and "enum" not in form and "type" in form:
        return not any(fits_type(value, form["type"]) for value in other["enum"])
    if not (_is_object(form) and _is_object(other)):
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


def _schemas(schema: dict[str, Any], key: str, pointer: str) -> list[Any]:
    choices = schema[key]
    if not isinstance(choices, list) or not choices:
        raise wrong(pointer, f"{key} must be a list with at least one schema")
    return choices


def _dict(schema: dict[str, Any], key: str) -> dict[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, dict) else {}
