"""Write the objects of a schema as a grammar: their properties in the schema's order, and further ones at the end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from models.schema.expressions.automaton_rules import rules_of
from models.schema.form_joins import Form, property_of
from models.schema.schema_numbers import Nowhere
from models.schema.schema_rules import MAX_COUNTED, NothingFits, Schemas, size
from models.schema.schema_strings import Text, quoted
from models.schema.schema_values import ValueWriter


class ObjectWriter:
    def __init__(self, schemas: Schemas, values: ValueWriter) -> None:
        self._schemas = schemas
        self._rules = schemas.rules
        self._values = values

    def write(self, form: Form, pointer: str, depth: int) -> str:
        """Write properties in the schema's order; further ones, if it allows them, at the end."""
        required = list(form.get("required", ()))
        schemas = {name: property_of(form, name) for name in {**form.get("properties", {}), **dict.fromkeys(required)}}
        least, most = size(self._rules, form, "minProperties", pointer), size(self._rules, form, "maxProperties", pointer)
        if not schemas and not form.keys() & {"additionalProperties", "patternProperties", "propertyNames"} and not least and most is None:
            return "object"
        self._schemas.count(len(schemas))
        pairs: dict[str, str] = {}
        with self._schemas.inside_brackets():
            for name, one in schemas.items():
                try:
                    value = self._schemas.expression(one, f"{pointer}.{name[:100]}", depth + 1)
                except (NothingFits, Nowhere):
                    if name in required:
                        raise NothingFits from None
                    continue
                pairs[name] = self._rules.new(f'{quoted(json.dumps(name, ensure_ascii=False))} ws ":" ws {value}')
            extra = self._extra(form, list(schemas), pointer, depth)
        if (most is not None and most < len(required)) or ((least or 0) > len(pairs) and not extra):
            raise NothingFits
        if (least or 0) <= len(required) and (most is None or (most >= len(pairs) and not extra)):
            return f'"{{" ws {self._pairs(pairs, required, extra)} ws "}}"'
        return f'"{{" ws {self.counted_pairs(pairs, required, extra, least or 0, most, pointer)} ws "}}"'

    def _pairs(self, pairs: dict[str, str], required: list[str], extra: str | None) -> str:
        # rest: what may follow once a property is written; first: what may come while none is.
        rest = self._rules.new(f'(ws "," ws {extra})*' if extra else '""')
        first = self._rules.new(f"({extra} {rest})?" if extra else '""')
        for name, pair in reversed(list(pairs.items())):
            first = self._rules.new(f"{pair} {rest}" if name in required else f"{pair} {rest} | {first}")
            rest = self._rules.new(f'ws "," ws {pair} {rest}' if name in required else f'(ws "," ws {pair})? {rest}')
        return first

    def counted_pairs(
        self, pairs: dict[str, str], required: list[str], extra: str | None, least: int, most: int | None, pointer: str
    ) -> str:
        """Write a bounded number of properties: a rule for each property and each count of those before it."""
        names = list(pairs)
        if len(names) * (most or least) > MAX_COUNTED:
            self._rules.ignore(pointer, "minProperties" if least else "maxProperties")
            return self._pairs(pairs, required, extra)
        if extra and least > len(names):
            self._rules.ignore(pointer, "minProperties")  # the same name may come twice
        known: dict[tuple[int, int], str | None] = {}

        def from_(at: int, count: int) -> str | None:
            """Write what may follow from property `at` on, once `count` are written."""
            key = (at, min(count, max(least, 1)) if most is None else count)
            if key not in known:
                known[key] = make(*key)
            return known[key]

        def make(at: int, count: int) -> str | None:
            comma = 'ws "," ws ' if count else ""
            if at == len(names):
                missing = max(0, least - count)
                room = None if most is None else most - count
                if not extra or room == 0:
                    return '""' if missing == 0 else None
                begin = f"{comma}{extra}"
                repeated = f'(ws "," ws {extra}){{{max(0, missing - 1)},{"" if room is None else room - 1}}}'
                return self._rules.new(f"{begin} {repeated}" + (" | " + '""' if missing == 0 else ""))
            choices = []
            if most is None or count < most:
                rest = from_(at + 1, count + 1)
                if rest is not None:
                    choices.append(f"{comma}{pairs[names[at]]} {rest}")
            if names[at] not in required:
                rest = from_(at + 1, count)
                if rest is not None:
                    choices.append(rest)
            return self._rules.new(" | ".join(choices)) if choices else None

        found = from_(0, 0)
        if found is None:
            raise NothingFits
        return found

    def _extra(self, form: Form, names: list[str], pointer: str, depth: int) -> str | None:
        """Write a pair whose name is not in the schema; None if it allows none."""
        patterns = form.get("patternProperties", {})
        names_schema = form.get("propertyNames", True)
        more = form.get("additionalProperties", not form.get("properties") and not patterns)
        choices = []
        for pattern, schema in patterns.items():
            others = tuple(one for one in patterns if one != pattern)
            choices.append((Text(patterns=(pattern,), never=tuple(names), never_like=others), schema, f"{pointer}.{pattern[:100]}"))
        if more is not False:
            choices.append((Text(never=tuple(names), never_like=tuple(patterns)), more, f"{pointer}.additionalProperties"))
        found = []
        for text, schema, at in choices:
            key = self._key(text, names_schema, pointer, depth)
            if key is None:
                continue
            try:
                found.append(f'{key} ws ":" ws {self._schemas.expression(schema, at, depth + 1)}')
            except (NothingFits, Nowhere):
                continue
        return self._rules.new(" | ".join(found)) if found else None

    def _key(self, text: Text, schema: Any, pointer: str, depth: int) -> str | None:
        """Write the name of a further property; None if there may be none."""
        forms = self._schemas.forms_of(schema, f"{pointer}.propertyNames")
        found = []
        for form in forms:
            if "enum" in form:
                values = [value for value in form["enum"] if isinstance(value, str) and value not in text.never]
                found += [self._schemas.literals(values)] if values else []
                continue
            wanted = self._values.text_of(form, pointer)
            both = replace(
                wanted, patterns=wanted.patterns + text.patterns, never=wanted.never + text.never,
                never_like=wanted.never_like + text.never_like,
            )  # fmt: skip
            if both == Text():
                found.append("string")
            elif both.problem() is not None:
                if text.patterns or wanted.patterns:
                    self._rules.ignore(pointer, "patternProperties")
            elif (automaton := both.automaton()) is not None:
                name = self._rules.name()
                self._rules.put_all(rules_of(automaton, name))
                found.append(f'"\\"" {name} "\\""')
        return self._rules.new(" | ".join(found)) if found else None
