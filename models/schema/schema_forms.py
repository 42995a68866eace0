"""Bring a JSON schema into plain forms: alternatives, each with all conditions that must hold together.

Keywords that combine schemas ($ref, allOf, anyOf, oneOf, not, if, dependentRequired) are resolved here, so that the writer of the
grammar sees only types, values, properties and bounds. Only the level of one value is resolved; properties and items stay schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import InvalidInput
from models.schema.form_joins import LARGER, SMALLER, TYPES, Form, apart, is_object, join, same
from models.schema.schema_strings import Text

MAX_FORMS = 100
MAX_WORK = 4_000
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
_PLAIN = {
    "type", "enum", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "items", "prefixItems",
    "uniqueItems", "pattern", "format", "multipleOf",
} | LARGER | SMALLER  # fmt: skip
COMBINING = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "const", "nullable", "dependentRequired", "dependentSchemas",
     "dependencies", "additionalItems"}
)  # fmt: skip


def wrong(pointer: str, reason: str) -> InvalidInput:
    return InvalidInput("The schema cannot be used: at {place}, {reason}.", place=pointer[:300], reason=reason)


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
        if self._work > MAX_WORK:
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
        if sum(map(len, choices)) > MAX_FORMS // 2:
            self._ignored(pointer, "oneOf")
            return [form for choice in choices for form in choice]
        found, exact = [], True
        for number, choice in enumerate(choices):
            others = [form for index, each in enumerate(choices) if index != number for form in each]
            for form in choice:
                for other in others:
                    if apart(form, other):
                        continue
                    names = [name for name in other.get("required", ()) if name not in form.get("required", ())]
                    if names and is_object(form):
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
        if len(forms) * len(others) > MAX_FORMS:
            raise InvalidInput("The schema combines too many schemas. Leave parts of it out.")
        joined = (join(form, other) for form in forms for other in others)
        return [form for form in joined if form is not None]


_COMBINES: Mapping[str, str] = {
    "$ref": "_reference", "allOf": "_all_of", "anyOf": "_any_of", "oneOf": "_one_of", "if": "_condition", "not": "_not",
    "dependentRequired": "_dependent", "dependentSchemas": "_dependent", "dependencies": "_dependent",
}  # fmt: skip


def _schemas(schema: dict[str, Any], key: str, pointer: str) -> list[Any]:
    choices = schema[key]
    if not isinstance(choices, list) or not choices:
        raise wrong(pointer, f"{key} must be a list with at least one schema")
    return choices


def _dict(schema: dict[str, Any], key: str) -> dict[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, dict) else {}
