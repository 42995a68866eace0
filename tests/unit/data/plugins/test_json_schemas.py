"""Arguments are checked against the schema of a tool, and a schema that cannot be checked is refused."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from referencing.exceptions import Unresolvable

from data.plugins.json_schemas import TOO_LARGE, JsonSchemas

SCHEMAS = JsonSchemas()
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 2},
        "home": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
        "share": {"type": "number"},
        "sure": {"type": "boolean"},
        "none": {"type": "null"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "fits",
    [
        {"name": "Ana"},
        {"name": "Ana", "age": 3.0, "tags": ["a", "b"], "home": {"town": "X", "more": 1}, "share": 1, "sure": True, "none": None},
    ],
)
def test_arguments_that_fit(fits: dict[str, Any]) -> None:
    assert SCHEMAS.problems(fits, PERSON) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ([], "the arguments must be of the type object"),
        ({}, "name is missing"),
        ({"name": ""}, "name must have at least 1 character"),
        ({"name": "too long"}, "name may have at most 5 characters"),
        ({"name": "a", "age": True}, "age must be of the type integer"),
        ({"name": "a", "age": 1.5}, "age must be of the type integer"),
        ({"name": "a", "age": -1}, "age must be at least 0"),
        ({"name": "a", "age": 200}, "age may be at most 150"),
        ({"name": "a", "tags": []}, "tags must have at least 1 item"),
        ({"name": "a", "tags": ["c"]}, "tags[0] must be one of a, b"),
        ({"name": "a", "home": {}}, "home.town is missing"),
        ({"name": "a", "sure": 1}, "sure must be of the type boolean"),
        ({"name": "a", "other": 1}, "other is not known"),
    ],
)
def test_arguments_that_do_not_fit(wrong: Any, why: str) -> None:
    assert SCHEMAS.problems(wrong, PERSON) == [why]


def test_a_flood_of_problems_is_cut() -> None:
    assert len(SCHEMAS.problems({f"x{n}": 1 for n in range(1_000)}, PERSON)) == 5


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "object", "oneOf": []}, "oneOf must have at least 1 item"),
        ({"type": "object", "properties": {"a": {"pattern": "x"}}}, "pattern cannot be used in a"),
        ({"type": "array", "items": {"patternProperties": {"x": {}}}}, "patternProperties cannot be used in []"),
        ({"type": "object", "properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}, "$schema cannot be used in a"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "properties.a.type must be one of object, array"),
        ({"type": "object", "properties": []}, "properties must be of the type object"),
        ({"type": "object", "required": "a"}, "required must be of the type array"),
        ({"type": "array", "items": 3}, "items must be of the type object or boolean"),
        ({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/a"}}}, "$ref must be #/$defs/NAME with a name in $defs in a"),
        ({"anyOf": [{"$ref": "#/$defs/none"}], "$defs": {"some": {}}}, "$ref must be #/$defs/NAME with a name in $defs"),
        ([], "the schema is not an object"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named(schema: Any, why: str) -> None:
    assert SCHEMAS.unusable(schema).startswith(why)


def test_a_schema_that_lies_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(2_000):
        deep = {"type": "array", "items": deep}
    assert "too deep" in SCHEMAS.unusable(deep)
    assert SCHEMAS.unusable(PERSON) == ""


LEFT = {"left": {"$ref": "#/$defs/tree"}, "leaf": {"const": 1}}
TREE = {"type": "object", "$ref": "#/$defs/tree", "$defs": {"tree": {"properties": LEFT}}}


@pytest.mark.parametrize(
    ("schema", "fits", "wrong", "why"),
    [
        ({"type": ["string", "null"]}, None, 3, "the arguments must be of the type string or null"),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 4, 2, "the arguments must fit one of the schemas in anyOf"),
        ({"oneOf": [{"minimum": 1}, {"minimum": 3}]}, 2, 4, "the arguments must fit exactly one of the schemas in oneOf"),
        ({"properties": {"a": False}}, {}, {"a": 1}, "something in the arguments is not allowed"),
        ({"uniqueItems": True}, [1, True], [1, 1.0], "the arguments must not have two equal items"),
        ({"not": {"type": "null"}}, 1, None, "the arguments must satisfy not in its schema"),
        (TREE, {"left": {"left": {"leaf": 1}}}, {"left": {"left": {"leaf": 2}}}, "left.left.leaf must be 1"),
    ],
)
def test_keywords_that_combine_schemas(schema: dict[str, Any], fits: Any, wrong: Any, why: str) -> None:
    assert SCHEMAS.unusable(schema) == ""
    assert SCHEMAS.problems(fits, schema) == []
    assert SCHEMAS.problems(wrong, schema) == [why]


def test_a_property_may_be_called_like_a_keyword_that_is_refused() -> None:
    assert SCHEMAS.unusable({"type": "object", "properties": {"pattern": {"type": "string"}, "$id": {}, "type": {}}}) == ""


def _doubling(levels: int) -> dict[str, Any]:
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "object"}}}


CIRCLE = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
LIST = {"type": "array", "items": {"$ref": "#/$defs/list"}, "$defs": {"list": {"type": "array", "items": {"$ref": "#/$defs/list"}}}}


def _nested(levels: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (CIRCLE, {}),
        (_doubling(40), {}),
        (LIST, _nested(900)),
        ({"uniqueItems": True}, [{"a": n} for n in range(9_000)]),
        ({"items": {"anyOf": [{"minimum": 400 - n} for n in range(401)]}}, [0] * 9_000),
    ],
    ids=["circle", "doubling", "deep value", "equal items", "many alternatives"],
)
def test_a_check_that_would_take_too_long_ends(schema: dict[str, Any], value: Any) -> None:
    assert SCHEMAS.unusable(schema) == ""
    assert SCHEMAS.problems(value, schema) == [TOO_LARGE]


def test_a_reference_elsewhere_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a schema is refused when it is loaded; should one come nevertheless, the library must not open its address."""
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: opened.append(address))
    with pytest.raises(Unresolvable):
        SCHEMAS.problems({}, {"$ref": "http://127.0.0.1:9/schema"})
    assert opened == []
