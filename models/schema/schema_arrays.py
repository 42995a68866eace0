"""Write the arrays of a schema as a grammar."""

from __future__ import annotations

import json
from typing import Any

from models.schema.form_joins import Form
from models.schema.schema_forms import wrong
from models.schema.schema_numbers import Nowhere
from models.schema.schema_objects import ObjectWriter
from models.schema.schema_rules import MAX_COUNTED, NothingFits, Schemas, size
from models.schema.schema_strings import quoted


class ArrayWriter:
    def __init__(self, schemas: Schemas, objects: ObjectWriter) -> None:
        self._schemas = schemas
        self._rules = schemas.rules
        self._objects = objects

    def write(self, form: Form, pointer: str, depth: int) -> str:
        least, most = size(self._rules, form, "minItems", pointer) or 0, size(self._rules, form, "maxItems", pointer)
        fixed = form.get("prefixItems", [])
        schema = form.get("items", not fixed)
        if most is not None and most < least:
            raise wrong(pointer, "maxItems is below minItems")
        if not form.keys() & {"prefixItems", "items", "minItems", "maxItems", "uniqueItems"}:
            return "array"
        if form.get("uniqueItems") and (most is None or most > 1):
            different = None if fixed else self._different(schema, least, most, pointer)
            if different is not None:
                return different
            self._rules.ignore(pointer, "uniqueItems")
        with self._schemas.inside_brackets():
            head = [self._schemas.expression(one, f"{pointer}.prefixItems.{number}", depth + 1) for number, one in enumerate(fixed)][:most]
            try:
                item = self._schemas.expression(schema, f"{pointer}.items", depth + 1) if most is None or most > len(head) else None
            except (NothingFits, Nowhere):
                item = None
        least, most = max(0, least - len(head)), None if most is None else most - len(head)
        if item is None:
            if least:
                raise NothingFits
            return '"[" ws ' + "".join(f'{one} ws "," ws ' for one in head[:-1]) + (f"{head[-1]} ws " if head else "") + '"]"'
        item = self._rules.new(item)
        further = self._rules.new(f'ws "," ws {item}')
        if head:
            written = ' ws "," ws '.join(head)
            return f'"[" ws {written} {further}{{{least},{"" if most is None else most}}} ws "]"'
        repeated = f"{further}{{{max(0, least - 1)},{'' if most is None else most - 1}}}"
        return f'"[" ws {item} {repeated} ws "]"' if least else f'"[" ws ({item} {repeated})? ws "]"'

    def _different(self, schema: Any, least: int, most: int | None, pointer: str) -> str | None:
        """Write the values of an enumeration, each once at most, in the enumeration's order; None where the items are not an
        enumeration.
        """
        values: list[Any] = []
        for form in self._schemas.forms_of(schema, f"{pointer}.items"):
            if "enum" in form:
                values += self._schemas.values_of(form, pointer)
            elif form.get("type") == ["boolean"]:
                values += [False, True]
            else:
                return None
        literals = list(dict.fromkeys(quoted(json.dumps(value, ensure_ascii=False)) for value in values))
        if least > len(literals):
            raise NothingFits
        if most is None or most >= len(literals):
            most = None
        if len(literals) * (most or max(1, least)) > MAX_COUNTED:
            return None
        return f'"[" ws {self._objects.counted_pairs({text: text for text in literals}, [], None, least, most, pointer)} ws "]"'
