"""Write grammars for tool calls: answers follow the model's format of calls, and calls the tools' schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from core.errors import InvalidInput
from core.inference.requests import Tool
from models.prompting.tagged_call import CLOSE, KEY, KEY_END, OPEN, VALUE, VALUE_END
from models.prompting.tool_arguments import read_json
from models.schema.expressions.automaton_rules import rules_of
from models.schema.form_joins import Form, property_of, types_of
from models.schema.json_schema import Converter, Followed, convert_schema, refuse_ignored
from models.schema.schema_numbers import Nowhere
from models.schema.schema_rules import NothingFits, Rules
from models.schema.schema_strings import Text, choice, quoted

MAX_CHECKED = 32
"""Most forms of one tool's arguments; beyond that, anything is allowed."""


def must_call(tools: Sequence[Tool], *, tagged: bool) -> Followed:
    """Return a grammar for answers that are one call of one of the tools. Raises InvalidInput.

    Conditions of a schema that a grammar cannot express are listed; those of a strict tool are refused.
    """
    calls = _Calls(tagged=tagged)
    calls.rules.put("root", f'"\\n"? ({calls.any_of(tools)})')
    return calls.followed()


def may_call(tools: Sequence[Tool], *, tagged: bool) -> Followed:
    """Return a grammar for answers in which every call of one of the tools follows that tool's schema."""
    calls = _Calls(tagged=tagged)
    call = calls.rules.new(calls.any_of(tools))
    if tagged:
        calls.raw("text", Text(without=(OPEN,)))
        calls.rules.put("root", f'text ({call} "\\n"?)*')
    else:
        names = "|".join(re.escape(tool.name) for tool in tools)
        calls.raw("text", Text(never_like=(rf"^\s*({names})[ \t]*\n",)))
        calls.rules.put("root", f'"\\n"? {call} | text')
    return calls.followed()


class _Calls:
    def __init__(self, *, tagged: bool) -> None:
        self.rules = Rules()
        self._tagged = tagged
        self._raw_values: dict[Text, str] = {}

    def followed(self) -> Followed:
        return Followed(self.rules.text(), tuple(self.rules.ignored))

    def any_of(self, tools: Sequence[Tool]) -> str:
        return " | ".join(self._call(tool) for tool in tools)

    def _call(self, tool: Tool) -> str:
        name = quoted(tool.name)
        before = len(self.rules.ignored)
        try:
            arguments = self._arguments(tool)
            if tool.strict:
                refuse_ignored(self.rules.ignored[before:], strict=True)
        except InvalidInput:
            if tool.strict:
                raise
            self.rules.ignore(f"tools.{tool.name}", "parameters")
            arguments = self._anything()
        if self._tagged:
            return f'{quoted(OPEN)} {name} "\\n"? {arguments} {quoted(CLOSE)}'
        return f'{name} "\\n" {arguments}'

    def _arguments(self, tool: Tool) -> str:
        pointer = f"tools.{tool.name}"
        if self._tagged:
            return convert_schema(self.rules, tool.parameters, pointer, self._tagged_arguments)
        return convert_schema(self.rules, _as_object(tool.parameters), pointer, lambda converter: converter.value())

    def _anything(self) -> str:
        if not self._tagged:
            return "object"
        value = self._text(Text(without=(VALUE_END,)))
        return f'({quoted(KEY)} [^<\\n]{{1,200}} {quoted(KEY_END)} "\\n"? {quoted(VALUE)} {value} {quoted(VALUE_END)} "\\n"?)*'

    def _tagged_arguments(self, converter: Converter) -> str:
        forms = [form for form in converter.forms() if "object" in types_of(form)]
        if not forms:
            raise NothingFits
        if len(forms) > MAX_CHECKED:
            raise InvalidInput("The schema combines too many schemas. Leave parts of it out.")
        return self.rules.new(" | ".join(dict.fromkeys(self._one_form(form, converter) for form in forms)))

    def _one_form(self, form: Form, converter: Converter) -> str:
        required = form.get("required", [])
        schemas = {name: property_of(form, name) for name in {**form.get("properties", {}), **dict.fromkeys(required)}}
        if not schemas:
            return '""' if form.get("additionalProperties") is False or "properties" in form else self._anything()
        written = []
        for name, schema in schemas.items():
            try:
                value = self._value(schema, f"{converter.pointer}.{name[:100]}", converter)
            except (NothingFits, Nowhere):
                if name in required:
                    raise
                continue
            key = f'{quoted(KEY + name + KEY_END)} "\\n"? {quoted(VALUE)} {value} {quoted(VALUE_END)} "\\n"?'
            written.append(self.rules.new(key) + ("" if name in required else "?"))
        return " ".join(written) or '""'

    def _value(self, schema: object, pointer: str, converter: Converter) -> str:
        """Write texts unquoted, everything else as JSON."""
        choices = []
        for form in converter.forms_of(schema, pointer):
            if "enum" in form:
                values = converter.values_of(form, pointer)
                texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in values]
                if texts:
                    name = self.rules.name()
                    self.rules.put_all(choice(texts, name))
                    choices.append(name)
                continue
            types = types_of(form)
            if "string" in types:
                # A value that could also be a number is read as a text.
                types = [kind for kind in types if kind not in ("number", "integer", "boolean")]
            for kind in types:
                if kind == "string":
                    choices.append(self._string(form, pointer, converter))
                elif not form:
                    continue  # anything: as a text
                else:
                    choices.append(converter.typed(kind, form, pointer))
        if not choices:
            raise NothingFits
        return self.rules.new(" | ".join(dict.fromkeys(choices)))

    def _string(self, form: Form, pointer: str, converter: Converter) -> str:
        asked = converter.strings_and_numbers.text_of(form, pointer)
        if asked.only_length and (asked.least or asked.most is not None):
            return self.rules.new(f"[^<]{{{asked.least},{'' if asked.most is None else asked.most}}}")
        return self._text(converter.strings_and_numbers.followed_text(form, pointer, without=(VALUE_END,)))

    def _text(self, text: Text) -> str:
        if text not in self._raw_values:
            name = self._raw_values[text] = self.rules.name()
            self.raw(name, text)
        return self._raw_values[text]

    def raw(self, name: str, text: Text) -> None:
        """Write rules for unquoted texts."""
        automaton = text.automaton()
        if automaton is None:
            if text.problem() is not None:
                raise InvalidInput("The tools have too many parameter names, or names that are too long. Send fewer.")
            raise NothingFits
        self.rules.put_all(rules_of(automaton, name, raw=True))


def _as_object(parameters: str) -> str:
    """Make the schema one of an object: arguments always are, though many schemas do not say so."""
    schema = read_json(parameters)
    return json.dumps({"type": "object", **schema}, ensure_ascii=False) if isinstance(schema, dict) else parameters
