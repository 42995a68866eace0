"""Check JSON schemas of plugins, and values against them, with the library jsonschema. Both are bounded in time.

The library alone is not: it runs patterns with Python's `re`, fetches references from the network, follows references in circles, and
`allOf` with references can double the work at each level. So patterns and references elsewhere are refused, and each keyword that is
applied costs a step of a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache, partial
from itertools import islice
from typing import Any

MAX_STEPS = 20_000
"""Most keywords that are applied to one value and its parts."""
MAX_DEPTH = 24
"""Most JSON objects and lists within each other in a schema: a property of an object takes two."""
MAX_PROBLEMS = 5
MAX_VALUES_LENGTH = 200
"""Most characters of the allowed values in one problem."""
REFUSED = frozenset(
    {
        *("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary"),
    }
)
DEFINITIONS = "#/$defs/"
TOO_LARGE = "they take too long to check; make them smaller"
Apply = Callable[..., Iterator[Any] | None]
"""A function of the library that applies one keyword."""
_steps: ContextVar[int] = ContextVar("steps", default=0)


class _TooManySteps(Exception):
    """Raised when a check has used up its budget."""


class JsonSchemas:
    """Implements core.plugins.ports.SchemaChecker."""

    def unusable(self, schema: object) -> str:
        if not isinstance(schema, Mapping):
            return "the schema is not an object"
        if _depth(schema) > MAX_DEPTH:
            return "it is nested too deeply"
        if refused := next(_refused(schema, schema.get("$defs", {})), ""):
            return refused
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

        wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
        return "" if wrong is None else _in_schema(wrong)

    def problems(self, value: object, schema: Mapping[str, Any]) -> Sequence[str]:
        from referencing import Registry

        _steps.set(0)
        found: dict[str, None] = {}
        try:
            # An empty registry: without one, the library would fetch what it does not know.
            for error in islice(_validator()(schema, registry=Registry()).iter_errors(value), MAX_PROBLEMS):
                found |= dict.fromkeys(_sentences(error))
        except (_TooManySteps, RecursionError):
            return [TOO_LARGE]
        return list(found)[:MAX_PROBLEMS]


@cache
def _validator() -> Any:
    """Return the library's validator, with each keyword bounded. It is imported at the first use, because that takes 0.1 s."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    keywords = {name: partial(_bounded, name, apply) for name, apply in Draft202012Validator.VALIDATORS.items()}
    return extend(Draft202012Validator, keywords)


def _bounded(name: str, apply: Apply, validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[Any]:
    # To find equal items, the library compares each with each other one where it cannot sort them.
    more = len(instance) ** 2 if name == "uniqueItems" and not _sortable(instance) else 0
    _steps.set(_steps.get() + 1 + more)
    if _steps.get() > MAX_STEPS:
        raise _TooManySteps
    yield from apply(validator, keyword, instance, schema) or ()


def _sortable(items: object) -> bool:
    return not isinstance(items, list) or any(all(isinstance(each, kind) for each in items) for kind in (str, int | float))


def _depth(value: object) -> int:
    """Return how many objects and lists lie within each other, at most MAX_DEPTH + 1."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        level = [inner for each in level if isinstance(each, dict | list) for inner in (each.values() if isinstance(each, dict) else each)]
        depth += 1
    return depth


def _refused(schema: object, definitions: object, at: str = "") -> Iterator[str]:
    """Yield what of a schema cannot be used here."""
    where = f" in {at}" if at else ""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from _refused(each, definitions, f"{at}[{number}]")
    if not isinstance(schema, Mapping):
        return
    yield from (f"{name} cannot be used{where}" for name in sorted(map(str, schema.keys())) if name in REFUSED)
    if "$ref" in schema:
        name = str(schema["$ref"])
        known = name.removeprefix(DEFINITIONS) if name.startswith(DEFINITIONS) else ""
        if not isinstance(definitions, Mapping) or known not in definitions:
            yield f"$ref must be {DEFINITIONS}NAME with a name in $defs{where}"
    for key, each in schema.items():
        if key in ("properties", "$defs", "dependentSchemas") and isinstance(each, Mapping):
            for name, inner in each.items():
                yield from _refused(inner, definitions, f"{at}.{name}".lstrip("."))
        elif key == "items":
            yield from _refused(each, definitions, f"{at}[]")
        elif key not in ("enum", "const", "default", "examples"):
            yield from _refused(each, definitions, at)


def _in_schema(error: Any) -> str:
    """Return which keyword of a schema has a wrong value."""
    path = list(error.absolute_path)
    if path[-1:] == ["type"] and path[-2:-1] != ["properties"]:
        return f"{_name(path)} must be one of object, array, string, integer, number, boolean, null, or a list of them"
    return next(_sentences(error))


def _name(path: Sequence[str | int]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).lstrip(".")


_AT_LEAST_AND_MOST = {
    "minimum": "must be at least {value}", "maximum": "may be at most {value}", "exclusiveMinimum": "must be more than {value}",
    "exclusiveMaximum": "must be less than {value}", "multipleOf": "must be a multiple of {value}",
    "minLength": "must have at least {value} character{s}", "maxLength": "may have at most {value} character{s}",
    "minItems": "must have at least {value} item{s}", "maxItems": "may have at most {value} item{s}",
    "minProperties": "must have at least {value} key{s}", "maxProperties": "may have at most {value} key{s}",
    "uniqueItems": "must not have two equal items",
}  # fmt: skip


def _sentences(error: Any) -> Iterator[str]:
    """Yield what is wrong, in words for the model. The library's own messages repeat the whole value."""
    path, value = list(error.absolute_path), error.validator_value
    name = _name(path) or "the arguments"
    match error.validator:
        case "required":
            yield from (f"{_name([*path, each])} is missing" for each in value if each not in error.instance)
        case "additionalProperties":
            known = error.schema.get("properties", {})
            yield from (f"{_name([*path, each])} is not known" for each in error.instance if each not in known)
        case "type":
            yield f"{name} must be of the type {value if isinstance(value, str) else ' or '.join(value)}"
        case "enum":
            yield f"{name} must be one of {_listed(value)}"
        case "const":
            yield f"{name} must be {_listed([value])}"
        case "anyOf" | "oneOf":
            yield f"{name} must fit {'exactly one' if error.validator == 'oneOf' else 'one'} of the schemas in {error.validator}"
        case None:
            yield f"something in {name} is not allowed"
        case keyword if keyword in _AT_LEAST_AND_MOST:
            yield f"{name} {_AT_LEAST_AND_MOST[keyword].format(value=value, s='' if value == 1 else 's')}"
        case keyword:
            yield f"{name} must satisfy {keyword} in its schema"


def _listed(values: Sequence[object]) -> str:
    text = ", ".join(map(str, values))
    return text if len(text) <= MAX_VALUES_LENGTH else f"{text[:MAX_VALUES_LENGTH]}…"
