"""JSON Schema as GBNF, so that an answer cannot but follow it. Small and bounded; what a grammar cannot say is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from models.prompting.grammar import MOST_CHARACTERS, MOST_REPEATS
from models.schema.regular import rules_of
from models.schema.schema_forms import ANNOTATIONS, COMBINING, TYPES, Form, Forms, fits_type, property_of, same, types_of, wrong
from models.schema.schema_numbers import FURTHEST, MOST_PLACES, Nowhere, bound, decimals, integers, multiples
from models.schema.schema_strings import Text, choice, followed, quoted

MOST_SCHEMA_CHARACTERS = 200_000
MOST_DEPTH = 32
MOST_PARTS = 2_000
"""Schemas within the schema, properties and values of enumerations together."""
MOST_IGNORED = 50
MOST_LARGE = 10
"""Patterns that are given up, which takes longest."""
_LISTED = ("string", "boolean", "null")
"""Types of which single values can be left out."""
MOST_COUNTED = 400
"""Rules for a bounded number of properties, or of different items."""
# A bounded run of blanks: a model could otherwise write them without end.
_HEX = "[0-9a-fA-F]"
_BASE = {
    "ws": r'| " " | "\n" [ \t]{0,20}',
    # Without halves of surrogate pairs, which no reader takes.
    "char": rf'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}))',
    "string": r'"\"" char* "\""',
    "number": r'"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
    "boolean": r'"true" | "false"',
    "null": r'"null"',
    "pair": r'string ws ":" ws value',
    "object": r'"{" ws (pair (ws "," ws pair)*)? ws "}"',
    "array": r'"[" ws (value (ws "," ws value)*)? ws "]"',
    "value": "object | array | string | number | boolean | null",
}
_NOTHING = r"[^\x00-\U0010FFFF]"
OBJECT_RULES = "".join(f"{name} ::= {body}\n" for name, body in _BASE.items())
"""The rules for any JSON value, `object` among them."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A grammar, and the conditions that it does not hold an answer to, each as its place in the schema."""

    grammar: str
    ignored: tuple[str, ...] = ()


class NothingFits(Exception):
    """No value can be true to this part of the schema."""


def grammar_of(schema_text: str, *, strict: bool = False) -> Followed:
    """GBNF for answers that are JSON and follow the schema. Raises InvalidInput for what is wrong or too large.

    strict: conditions that a grammar cannot say are refused too, all by name.
    """
    rules = Rules()
    root = rules.schema(schema_text, "schema", lambda converter: converter.value())
    refuse_ignored(rules.ignored, strict=strict)
    rules.put("root", f"ws {root}")
    return Followed(rules.text(), tuple(rules.ignored))


def refuse_ignored(ignored: Sequence[str], *, strict: bool) -> None:
    if strict and ignored:
        raise InvalidInput(
            "These conditions of the schema cannot be enforced: {conditions}. Leave them out, or send strict: false.",
            conditions=", ".join(ignored)[:1_000],
        )


class Rules:
    """The rules of one grammar, in which the schemas of several tools may stand together."""

    def __init__(self) -> None:
        self._rules = dict(_BASE)
        self._characters = 0
        self._known: dict[str, str] = {}
        """By what it says: the rule that says it."""
        self.ignored: list[str] = []

    def text(self) -> str:
        # A rule without a body belongs to what nothing fits, and is reached from nowhere.
        return "".join(f"{name} ::= {body or _NOTHING}\n" for name, body in self._rules.items())

    def schema(self, text: str, pointer: str, convert: Callable[[Converter], str]) -> str:
        """What `convert` makes of the schema. Raises InvalidInput."""
        if len(text) > MOST_SCHEMA_CHARACTERS:
            raise InvalidInput("The schema is too large. Leave parts of it out.")
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidInput("The schema is not valid JSON.") from None
        try:
            return convert(Converter(schema, self, pointer))
        except RecursionError:
            raise InvalidInput("The schema is nested more than {limit} deep.", limit=MOST_DEPTH) from None
        except (NothingFits, Nowhere):
            raise InvalidInput("The schema cannot be used: no value can satisfy it.") from None

    def new(self, body: str) -> str:
        """Make a rule, or find the one that says the same: schemas repeat themselves."""
        name = self._known.get(body)
        if name is None:
            name = self._known[body] = self.name()
            self.put(name, body)
        return name

    def name(self) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = ""
        return name

    def put(self, name: str, body: str) -> None:
        self._characters += len(body) + len(name)
        if self._characters > MOST_CHARACTERS // 2:
            raise InvalidInput("The schema is too large. Leave parts of it out.")
        self._rules[name] = body

    def put_all(self, rules: dict[str, str]) -> None:
        for name, body in rules.items():
            self.put(name, body)

    def ignore(self, pointer: str, keyword: str) -> None:
        said = f"{pointer}.{keyword}"[:200]
        if said not in self.ignored and len(self.ignored) < MOST_IGNORED:
            self.ignored.append(said)


class Converter:
    """Each schema becomes an expression; those that may be used twice, a rule of their own."""

    def __init__(self, schema: Any, rules: Rules, pointer: str) -> None:
        self._root = schema
        self._place = pointer
        self._rules = rules
        self._forms = Forms(schema, rules.ignore)
        self._named: dict[str, str] = {}
        self._open: set[str] = set()
        """Rules that nothing has been written for yet: who comes back to one of them there would go round for ever."""
        self._parts = 0
        self._large = 0

    def value(self) -> str:
        """The whole schema, as JSON."""
        return self._expression(self._root, self._place, 0)

    @property
    def pointer(self) -> str:
        return self._place

    def forms(self) -> list[Form]:
        return self._forms.of(self._root, self._place)

    def typed(self, kind: str, form: Form, pointer: str) -> str:
        """One type of a form, as JSON."""
        return self._typed(kind, form, pointer, 1)

    def forms_of(self, schema: Any, pointer: str) -> list[Form]:
        return self._forms.of(schema, pointer)

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST_PARTS:
            raise InvalidInput("The schema has more than {limit} parts. Leave some out.", limit=MOST_PARTS)

    def _expression(self, schema: Any, pointer: str, depth: int) -> str:
        self._count(1)
        if depth > MOST_DEPTH:
            raise InvalidInput("The schema is nested more than {limit} deep.", limit=MOST_DEPTH)
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
            # Worked out below; a schema may lead back to what it combines, so that it must be known by its text.
            return self._shared(same(schema), None, pointer, depth, lambda: self._combined(schema, pointer, depth))
        return self._combined(schema, pointer, depth)

    def _any_of(self, choices: list[tuple[Any, str]], depth: int) -> str:
        found = []
        for one, pointer in choices:
            try:
                found.append(self._expression(one, pointer, depth + 1))
            except (NothingFits, Nowhere):
                continue
        return self._either(found)

    def _shared(self, key: str, schema: Any, pointer: str, depth: int, make: Callable[[], str] | None = None) -> str:
        """A rule of its own, made once: a schema may refer to itself."""
        if key in self._open:
            raise wrong(pointer, "$ref leads back to itself")
        if key not in self._named:
            name = self._named[key] = self._rules.name()
            self._open.add(key)
            try:
                body = make() if make is not None else self._expression(schema, self._at(key, pointer), depth + 1)
            except (NothingFits, Nowhere):
                del self._named[key]
                raise
            finally:
                self._open.discard(key)
            self._rules.put(name, body)
        return self._named[key]

    def _at(self, key: str, pointer: str) -> str:
        return f"{self._place}.{key[len('$ref #/') :].replace('/', '.')}" if key.startswith("$ref #/") else pointer

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
        return choices[0] if len(choices) == 1 else self._rules.new(" | ".join(choices))

    def _form(self, form: Form, pointer: str, depth: int) -> str:
        if "enum" in form:
            return self._values(self.values_of(form, pointer))
        if not form:
            return "value"
        types = types_of(form)
        never = {same(value) for value in form.get("never", ())}
        literals = [text for text in ("true", "false", "null") if text in never]
        if any(fits_type(value, [kind]) for value in form.get("never", ()) for kind in types if kind not in _LISTED):
            self._rules.ignore(pointer, "not")
        found = []
        for kind in types:
            if kind == "boolean" and literals:
                found += [f'"{text}"' for text in ("true", "false") if text not in literals]
            elif kind != "null" or "null" not in literals:
                found.append(self._typed(kind, form, pointer, depth))
        return self._either(found)

    def values_of(self, form: Form, pointer: str) -> list[Any]:
        """The values of an enumeration that the form's other conditions leave."""
        self._count(len(form["enum"]))
        never = {same(value) for value in form.get("never", ())}
        found = [value for value in form["enum"] if same(value) not in never and fits_type(value, form.get("type", TYPES))]
        text, _ = followed(self.text_of(form, pointer))
        automaton = None if text == Text() else text.automaton()
        if automaton is not None:
            found = [value for value in found if not isinstance(value, str) or automaton.matches(value)]
        low, high, above, below = self._bounds(form, pointer)
        for value in list(found):
            exact = bound(value)
            if exact is not None and (
                (low is not None and (exact < low or (above and exact == low)))
                or (high is not None and (exact > high or (below and exact == high)))
            ):
                found.remove(value)
        return found

    def _values(self, values: list[Any]) -> str:
        if not values:
            raise NothingFits
        name = self._rules.name()
        self._rules.put_all(choice((json.dumps(value, ensure_ascii=False) for value in values), name))
        return name

    def _typed(self, kind: str, form: Form, pointer: str, depth: int) -> str:
        match kind:
            case "object":
                return self._object(form, pointer, depth)
            case "array":
                return self._array(form, pointer, depth)
            case "string":
                return self._string(form, pointer)
            case "integer":
                return self._integer(form, pointer)
            case "number":
                return self._number(form, pointer)
        return kind

    # Objects

    def _object(self, form: Form, pointer: str, depth: int) -> str:
        """Properties in the schema's order; further ones, if it offers them, at the end."""
        required = list(form.get("required", ()))
        schemas = {name: property_of(form, name) for name in {**form.get("properties", {}), **dict.fromkeys(required)}}
        least, most = self._size(form, "minProperties", pointer), self._size(form, "maxProperties", pointer)
        if not schemas and not form.keys() & {"additionalProperties", "patternProperties", "propertyNames"} and not least and most is None:
            return "object"
        self._count(len(schemas))
        pairs: dict[str, str] = {}
        opened, self._open = self._open, set()  # a bracket is written before what follows
        try:
            for name, one in schemas.items():
                try:
                    value = self._expression(one, f"{pointer}.{name[:100]}", depth + 1)
                except (NothingFits, Nowhere):
                    if name in required:
                        raise NothingFits from None
                    continue
                pairs[name] = self._rules.new(f'{quoted(json.dumps(name, ensure_ascii=False))} ws ":" ws {value}')
            extra = self._extra(form, list(schemas), pointer, depth)
        finally:
            self._open = opened
        if (most is not None and most < len(required)) or ((least or 0) > len(pairs) and not extra):
            raise NothingFits
        if (least or 0) <= len(required) and (most is None or (most >= len(pairs) and not extra)):
            return f'"{{" ws {self._pairs(pairs, required, extra)} ws "}}"'
        return f'"{{" ws {self._counted_pairs(pairs, required, extra, least or 0, most, pointer)} ws "}}"'

    def _pairs(self, pairs: dict[str, str], required: list[str], extra: str | None) -> str:
        # rest: what may follow once something is written; first: the same where nothing is written yet.
        rest = self._rules.new(f'(ws "," ws {extra})*' if extra else '""')
        first = self._rules.new(f"({extra} {rest})?" if extra else '""')
        for name, pair in reversed(list(pairs.items())):
            first = self._rules.new(f"{pair} {rest}" if name in required else f"{pair} {rest} | {first}")
            rest = self._rules.new(f'ws "," ws {pair} {rest}' if name in required else f'(ws "," ws {pair})? {rest}')
        return first

    def _counted_pairs(
        self, pairs: dict[str, str], required: list[str], extra: str | None, least: int, most: int | None, pointer: str
    ) -> str:
        """As _pairs, for a bounded number: a rule for each property and each count of those before it."""
        names = list(pairs)
        if len(names) * (most or least) > MOST_COUNTED:
            self._rules.ignore(pointer, "minProperties" if least else "maxProperties")
            return self._pairs(pairs, required, extra)
        if extra and least > len(names):
            self._rules.ignore(pointer, "minProperties")  # the same name may come twice
        known: dict[tuple[int, int], str | None] = {}

        def from_(at: int, count: int) -> str | None:
            """What may follow from property `at` on, when `count` are written."""
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
        """One pair whose name the schema does not give; None if there may be none."""
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
                found.append(f'{key} ws ":" ws {self._expression(schema, at, depth + 1)}')
            except (NothingFits, Nowhere):
                continue
        return self._rules.new(" | ".join(found)) if found else None

    def _key(self, text: Text, schema: Any, pointer: str, depth: int) -> str | None:
        """The name of a further property; None if there is none."""
        forms = self._forms.of(schema, f"{pointer}.propertyNames")
        found = []
        for form in forms:
            if "enum" in form:
                values = [value for value in form["enum"] if isinstance(value, str) and value not in text.never]
                found += [self._values(values)] if values else []
                continue
            wanted = self.text_of(form, pointer)
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

    # Arrays

    def _array(self, form: Form, pointer: str, depth: int) -> str:
        least, most = self._size(form, "minItems", pointer) or 0, self._size(form, "maxItems", pointer)
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
        opened, self._open = self._open, set()
        try:
            head = [self._expression(one, f"{pointer}.prefixItems.{number}", depth + 1) for number, one in enumerate(fixed)][:most]
            try:
                item = self._expression(schema, f"{pointer}.items", depth + 1) if most is None or most > len(head) else None
            except (NothingFits, Nowhere):
                item = None
        finally:
            self._open = opened
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
        """Values of an enumeration, each once at most, in the enumeration's order. None where the items are no enumeration."""
        values: list[Any] = []
        for form in self._forms.of(schema, f"{pointer}.items"):
            if "enum" in form:
                values += self.values_of(form, pointer)
            elif form.get("type") == ["boolean"]:
                values += [False, True]
            else:
                return None
        literals = list(dict.fromkeys(quoted(json.dumps(value, ensure_ascii=False)) for value in values))
        if least > len(literals):
            raise NothingFits
        if most is None or most >= len(literals):
            most = None
        if len(literals) * (most or max(1, least)) > MOST_COUNTED:
            return None
        return f'"[" ws {self._counted_pairs({text: text for text in literals}, [], None, least, most, pointer)} ws "]"'

    def _size(self, form: Form, key: str, pointer: str) -> int | None:
        value = form.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise wrong(pointer, f"{key} must be a whole number from 0 on")
        if value <= MOST_REPEATS:
            return value
        if key.startswith("min"):
            raise wrong(pointer, f"{key} must lie between 0 and {MOST_REPEATS}")
        self._rules.ignore(pointer, key)
        return None

    # Strings

    def text_of(self, form: Form, pointer: str) -> Text:
        """What a string of the form must be."""
        text: Text = form.get("text", Text())
        never = tuple(value for value in form.get("never", ()) if isinstance(value, str))
        least, most = self._size(form, "minLength", pointer) or 0, self._size(form, "maxLength", pointer)
        if most is not None and most < least:
            raise wrong(pointer, "maxLength is below minLength")
        return replace(text, least=least, most=most, never=never)

    def followed_text(self, form: Form, pointer: str, without: tuple[str, ...] = ()) -> Text:
        """As much of it as can be followed; the rest is told."""
        text, left_out = followed(replace(self.text_of(form, pointer), without=without))
        for key in left_out:
            self._rules.ignore(pointer, key)
        self._large += bool(left_out)
        if self._large > MOST_LARGE:
            raise InvalidInput("The schema has more than {limit} patterns that cannot be followed. Leave some out.", limit=MOST_LARGE)
        return text

    def _string(self, form: Form, pointer: str) -> str:
        text = self.followed_text(form, pointer)
        if text == Text():
            return "string"
        if text.only_length:
            return self._rules.new(rf'"\"" char{{{text.least},{"" if text.most is None else text.most}}} "\""')
        automaton = text.automaton()
        if automaton is None:
            raise NothingFits
        name = self._rules.name()
        self._rules.put_all(rules_of(automaton, name))
        return self._rules.new(f'"\\"" {name} "\\""')

    # Numbers

    def _integer(self, form: Form, pointer: str) -> str:
        low, high, above, below = self._bounds(form, pointer)
        first = -FURTHEST if low is None else int(low.to_integral_value("ROUND_CEILING"))
        last = FURTHEST if high is None else int(high.to_integral_value("ROUND_FLOOR"))
        first += above and low is not None and first == low
        last -= below and high is not None and last == high
        if first > last:
            raise Nowhere
        furthest = 2**31 - 1 if "int32" in form.get("text", Text()).formats else FURTHEST
        first, last = max(first, -furthest), min(last, furthest)
        step = bound(form.get("multipleOf", 1))
        if step is None or step <= 0:
            raise wrong(pointer, "multipleOf must be a number above 0")
        # A whole number that is a multiple of 0.5 is any: what counts is the smallest whole multiple.
        whole = step.as_integer_ratio()[0]
        if whole > 1:
            found = multiples(first, last, whole, self._rules.new)
            if found is not None:
                return self._rules.new(found)
            self._rules.ignore(pointer, "multipleOf")
        return self._rules.new(integers(first, last))

    def _number(self, form: Form, pointer: str) -> str:
        low, high, above, below = self._bounds(form, pointer)
        step = bound(form["multipleOf"]) if "multipleOf" in form else None
        if "multipleOf" in form and (step is None or step <= 0):
            raise wrong(pointer, "multipleOf must be a number above 0")
        if step is None and low is None and high is None:
            return "number"
        places = MOST_PLACES
        if step is not None:
            _, unit = step.as_integer_ratio()
            if unit == 1:
                return self._integer(form, pointer)
            digits = -int(step.normalize().as_tuple().exponent)
            if step == Decimal(10) ** -digits and digits <= MOST_PLACES:
                places = digits
            else:
                self._rules.ignore(pointer, "multipleOf")
        return self._rules.new(decimals(low, high, above=above, below=below, places=places))

    def _bounds(self, form: Form, pointer: str) -> tuple[Decimal | None, Decimal | None, bool, bool]:
        """(low, high, whether low itself is out, whether high itself is)."""
        found: dict[str, Decimal | None] = {}
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            found[key] = bound(form[key]) if key in form else None
            if key in form and found[key] is None:
                raise wrong(pointer, f"{key} must be a number")
        low, above = found["minimum"], False
        if found["exclusiveMinimum"] is not None and (low is None or found["exclusiveMinimum"] >= low):
            low, above = found["exclusiveMinimum"], True
        high, below = found["maximum"], False
        if found["exclusiveMaximum"] is not None and (high is None or found["exclusiveMaximum"] <= high):
            high, below = found["exclusiveMaximum"], True
        if low is not None and high is not None and low > high:
            raise Nowhere
        return low, high, above, below
