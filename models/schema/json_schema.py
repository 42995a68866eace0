"""Translate JSON Schema to GBNF, so that an answer must follow it.

Small and bounded; conditions that a grammar cannot express are named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from models.schema.form_joins import TYPES, Form, fits_type, same, types_of
from models.schema.schema_arrays import ArrayWriter
from models.schema.schema_forms import ANNOTATIONS, COMBINING, Forms, wrong
from models.schema.schema_numbers import Nowhere, bound
from models.schema.schema_objects import ObjectWriter
from models.schema.schema_rules import NothingFits, Rules
from models.schema.schema_strings import Text, choice, followed
from models.schema.schema_values import ValueWriter

MAX_SCHEMA_CHARACTERS = 200_000
MAX_DEPTH = 32
MAX_PARTS = 2_000
"""Schemas within the schema, properties and values of enumerations together."""
_LISTED = ("string", "boolean", "null")
"""Types of which single values can be excluded."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A grammar, and the conditions that it does not enforce, each as its pointer in the schema."""

    grammar: str
    ignored: tuple[str, ...] = ()


def grammar_of(schema_text: str, *, strict: bool = False) -> Followed:
    """Return GBNF for answers that are JSON and follow the schema. Raises InvalidInput if it is wrong or too large.

    strict: conditions that a grammar cannot express are refused too, all by name.
    """
    rules = Rules()
    root = convert_schema(rules, schema_text, "schema", lambda converter: converter.value())
    refuse_ignored(rules.ignored, strict=strict)
    rules.put("root", f"ws {root}")
    return Followed(rules.text(), tuple(rules.ignored))


def refuse_ignored(ignored: Sequence[str], *, strict: bool) -> None:
    if strict and ignored:
        raise InvalidInput(
            "These conditions of the schema cannot be enforced: {conditions}. Leave them out, or send strict: false.",
            conditions=", ".join(ignored)[:1_000],
        )


def convert_schema(rules: Rules, text: str, pointer: str, convert: Callable[[Converter], str]) -> str:
    """Return the result of `convert` for the schema. Raises InvalidInput."""
    if len(text) > MAX_SCHEMA_CHARACTERS:
        raise InvalidInput("The schema is too large. Leave parts of it out.")
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("The schema is not valid JSON.") from None
    try:
        return convert(Converter(schema, rules, pointer))
    except RecursionError:
        raise InvalidInput("The schema is nested more than {limit} deep.", limit=MAX_DEPTH) from None
    except (NothingFits, Nowhere):
        raise InvalidInput("The schema cannot be used: no value can satisfy it.") from None


class Converter:
    """Makes an expression of each schema; one that may be used twice gets its own rule."""

    def __init__(self, schema: Any, rules: Rules, pointer: str) -> None:
        self._root = schema
        self._pointer = pointer
        self.rules = rules
        self._forms = Forms(schema, rules.ignore)
        self._named: dict[str, str] = {}
        self._open: set[str] = set()
        """Rules without content so far: a reference back to one of them here would never end."""
        self._parts = 0
        self.strings_and_numbers = ValueWriter(rules)
        self._objects = ObjectWriter(self, self.strings_and_numbers)
        self._arrays = ArrayWriter(self, self._objects)

    def value(self) -> str:
        """Write the whole schema, as JSON."""
        return self.expression(self._root, self._pointer, 0)

    @property
    def pointer(self) -> str:
        return self._pointer

    def forms(self) -> list[Form]:
        return self._forms.of(self._root, self._pointer)

    def typed(self, kind: str, form: Form, pointer: str) -> str:
        """Write one type of a form, as JSON."""
        return self._typed(kind, form, pointer, 1)

    def forms_of(self, schema: Any, pointer: str) -> list[Form]:
        return self._forms.of(schema, pointer)

    def count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise InvalidInput("The schema has more than {limit} parts. Leave some out.", limit=MAX_PARTS)

    def expression(self, schema: Any, pointer: str, depth: int) -> str:
        self.count(1)
        if depth > MAX_DEPTH:
            raise InvalidInput("The schema is nested more than {limit} deep.", limit=MAX_DEPTH)
        if schema is True or schema == {}:
            return "value"
        if schema is False:
            raise NothingFits
        if not isinstance(schema, dict):
            raise wrong(pointer, "a schema must be a JSON object")
        conditions = schema.keys() - ANNOTATIONS
        if conditions == {"$ref"}:
            return self._shared(f"$ref {schema['$ref']}", self._forms.find(schema["$ref"], pointer), pointer, depth)
        if conditions == {"anyOf"} and isinstance(schema["anyOf"], list) and schema["anyOf"]:
            choices = schema["anyOf"]
            return self._any_of([(one, f"{pointer}.anyOf.{number}") for number, one in enumerate(choices)], depth)
        if conditions & COMBINING - {"const", "nullable"}:
            # Resolved below; a schema may refer back to what it combines, so it must be recognized by its text.
            return self._shared(same(schema), None, pointer, depth, lambda: self._combined(schema, pointer, depth))
        return self._combined(schema, pointer, depth)

    def _any_of(self, choices: list[tuple[Any, str]], depth: int) -> str:
        found = []
        for one, pointer in choices:
            try:
                found.append(self.expression(one, pointer, depth + 1))
            except (NothingFits, Nowhere):
                continue
        return self._either(found)

    def _shared(self, key: str, schema: Any, pointer: str, depth: int, make: Callable[[], str] | None = None) -> str:
        """Make the schema's own rule, once: a schema may refer to itself."""
        if key in self._open:
            raise wrong(pointer, "$ref leads back to itself")
        if key not in self._named:
            name = self._named[key] = self.rules.name()
            self._open.add(key)
            try:
                body = make() if make is not None else self.expression(schema, self._at(key, pointer), depth + 1)
            except (NothingFits, Nowhere):
                del self._named[key]
                raise
            finally:
                self._open.discard(key)
            self.rules.put(name, body)
        return self._named[key]

    def _at(self, key: str, pointer: str) -> str:
        return f"{self._pointer}.{key[len('$ref #/') :].replace('/', '.')}" if key.startswith("$ref #/") else pointer

    def _combined(self, schema: dict[str, Any], pointer: str, depth: int) -> str:
        forms = self._forms.of(schema, pointer)
        found = []
        for form in forms:
            try:
                found.append(self._form(form, pointer, depth))
            except (NothingFits, Nowhere):
                continue
        return self._either(found)

    def _either(self, choices: list[str]) -> str:
        choices = list(dict.fromkeys(choices))
        if not choices:
            raise NothingFits
        return choices[0] if len(choices) == 1 else self.rules.new(" | ".join(choices))

    def _form(self, form: Form, pointer: str, depth: int) -> str:
        if "enum" in form:
            return self.literals(self.values_of(form, pointer))
        if not form:
            return "value"
        types = types_of(form)
        never = {same(value) for value in form.get("never", ())}
        literals = [text for text in ("true", "false", "null") if text in never]
        if any(fits_type(value, [kind]) for value in form.get("never", ()) for kind in types if kind not in _LISTED):
            self.rules.ignore(pointer, "not")
        found = []
        for kind in types:
            if kind == "boolean" and literals:
                found += [f'"{text}"' for text in ("true", "false") if text not in literals]
            elif kind != "null" or "null" not in literals:
                found.append(self._typed(kind, form, pointer, depth))
        return self._either(found)

    def values_of(self, form: Form, pointer: str) -> list[Any]:
        """Return the values of an enumeration that the form's other conditions allow."""
        self.count(len(form["enum"]))
        never = {same(value) for value in form.get("never", ())}
        found = [value for value in form["enum"] if same(value) not in never and fits_type(value, form.get("type", TYPES))]
        text, _ = followed(self.strings_and_numbers.text_of(form, pointer))
        automaton = None if text == Text() else text.automaton()
        if automaton is not None:
            found = [value for value in found if not isinstance(value, str) or automaton.matches(value)]
        low, high, above, below = self.strings_and_numbers.bounds(form, pointer)
        for value in list(found):
            exact = bound(value)
            if exact is not None and (
                (low is not None and (exact < low or (above and exact == low)))
                or (high is not None and (exact > high or (below and exact == high)))
            ):
                found.remove(value)
        return found

    @contextmanager
    def inside_brackets(self) -> Iterator[None]:
        opened, self._open = self._open, set()
        try:
            yield
        finally:
            self._open = opened

    def literals(self, values: list[Any]) -> str:
        if not values:
            raise NothingFits
        name = self.rules.name()
        self.rules.put_all(choice((json.dumps(value, ensure_ascii=False) for value in values), name))
        return name

    def _typed(self, kind: str, form: Form, pointer: str, depth: int) -> str:
        match kind:
            case "object":
                return self._objects.write(form, pointer, depth)
            case "array":
                return self._arrays.write(form, pointer, depth)
            case "string":
                return self.strings_and_numbers.string(form, pointer)
            case "integer":
                return self.strings_and_numbers.integer(form, pointer)
            case "number":
                return self.strings_and_numbers.number(form, pointer)
        return kind


















