"""Find every place in the OpenAPI description that takes an id: in a path, a query or a body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LIKE_AN_ID = re.compile(r"(?:^|_)(?:ids?|files?|images?|folder|collections|conversation|before|after|cursor)$")


class IdPlace(NamedTuple):
    """A parameter or field that takes an id."""

    method: str
    path: str
    name: str


def in_paths(description: Mapping[str, Any]) -> set[IdPlace]:
    """Return every parameter of every path, also names and numbers: anyone who adds one says what it names."""
    found = set()
    for path, operations in description["paths"].items():
        for method in operations:
            found |= {IdPlace(method.upper(), path, name) for name in re.findall(r"\{(\w+)\}", path)}
    return found


def in_queries_and_bodies(description: Mapping[str, Any]) -> set[IdPlace]:
    """Return the query parameters and the fields of bodies, nested ones too, whose names are those of ids."""
    schemas = description["components"]["schemas"]
    found = set()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                names |= set(_fields(content.get("schema", {}), schemas, frozenset()))
            found |= {IdPlace(method.upper(), path, name) for name in names if LIKE_AN_ID.search(name)}
    return found


def _fields(schema: Any, schemas: Mapping[str, Any], above: frozenset[str]) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if name not in above:
            yield from _fields(schemas[name], schemas, above | {name})
        return
    for field, inner in schema.get("properties", {}).items():
        yield field
        yield from _fields(inner, schemas, above)
    for several in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in schema.get(several, ()):
            yield from _fields(inner, schemas, above)
    for one in ("items", "additionalProperties"):
        yield from _fields(schema.get(one), schemas, above)
