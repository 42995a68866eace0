"""Write the strings and numbers of a schema as a grammar."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.errors import InvalidInput
from models.schema.expressions.automaton_rules import rules_of
from models.schema.form_joins import Form
from models.schema.schema_forms import wrong
from models.schema.schema_numbers import FURTHEST, MAX_DECIMALS, Nowhere, bound, decimals, integers, multiples
from models.schema.schema_rules import NothingFits, Rules, size
from models.schema.schema_strings import Text, followed

MAX_LARGE = 10
"""Most patterns that may be given up, which takes longest."""


class ValueWriter:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._large = 0

    def text_of(self, form: Form, pointer: str) -> Text:
        """Return the conditions of a string of the form."""
        text: Text = form.get("text", Text())
        never = tuple(value for value in form.get("never", ()) if isinstance(value, str))
        least, most = size(self._rules, form, "minLength", pointer) or 0, size(self._rules, form, "maxLength", pointer)
        if most is not None and most < least:
            raise wrong(pointer, "maxLength is below minLength")
        return replace(text, least=least, most=most, never=never)

    def followed_text(self, form: Form, pointer: str, without: tuple[str, ...] = ()) -> Text:
        """Return as much of the text as a grammar can follow; note what is left out."""
        text, left_out = followed(replace(self.text_of(form, pointer), without=without))
        for key in left_out:
            self._rules.ignore(pointer, key)
        self._large += bool(left_out)
        if self._large > MAX_LARGE:
            raise InvalidInput("The schema has more than {limit} patterns that cannot be followed. Leave some out.", limit=MAX_LARGE)
        return text

    def string(self, form: Form, pointer: str) -> str:
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

    def integer(self, form: Form, pointer: str) -> str:
        low, high, above, below = self.bounds(form, pointer)
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
        # Every whole number is a multiple of 0.5: use the smallest whole multiple.
        whole = step.as_integer_ratio()[0]
        if whole > 1:
            found = multiples(first, last, whole, self._rules.new)
            if found is not None:
                return self._rules.new(found)
            self._rules.ignore(pointer, "multipleOf")
        return self._rules.new(integers(first, last))

    def number(self, form: Form, pointer: str) -> str:
        low, high, above, below = self.bounds(form, pointer)
        step = bound(form["multipleOf"]) if "multipleOf" in form else None
        if "multipleOf" in form and (step is None or step <= 0):
            raise wrong(pointer, "multipleOf must be a number above 0")
        if step is None and low is None and high is None:
            return "number"
        places = MAX_DECIMALS
        if step is not None:
            _, unit = step.as_integer_ratio()
            if unit == 1:
                return self.integer(form, pointer)
            digits = -int(step.normalize().as_tuple().exponent)
            if step == Decimal(10) ** -digits and digits <= MAX_DECIMALS:
                places = digits
            else:
                self._rules.ignore(pointer, "multipleOf")
        return self._rules.new(decimals(low, high, above=above, below=below, places=places))

    def bounds(self, form: Form, pointer: str) -> tuple[Decimal | None, Decimal | None, bool, bool]:
        """Return (low, high, whether low itself is excluded, whether high itself is)."""
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
