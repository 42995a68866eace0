"""Read the arguments of a tool call: the tool's schema says which are text and which are JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from core.errors import InvalidInput
from models.schema.form_joins import Form, same, types_of
from models.schema.schema_forms import Forms

_PYTHON = {"True": "true", "False": "false", "None": "null"}


class ArgumentTypes:
    """The parameters of one tool, from a JSON schema as text."""

    def __init__(self, parameters: str) -> None:
        schema = read_json(parameters)
        self._root = schema if isinstance(schema, dict) else {}
        self._forms = Forms(self._root, lambda _pointer, _keyword: None)
        self._known: dict[str, list[Form]] = {}

    def object(self, arguments: Sequence[tuple[str, str]]) -> str:
        """Return the arguments as a JSON object."""
        written = {key: self._value(key, text) for key, text in arguments}
        return "{" + ", ".join(f"{as_json(key)}: {value}" for key, value in written.items()) + "}"

    def beginning(self, arguments: Sequence[tuple[str, str]], open_value: tuple[str, str] | None) -> str:
        """Return arguments that were cut off as an object that is cut off too. open_value: the last key and the value so far."""
        text = self.object(arguments)[:-1]
        if open_value is None:
            return text
        key, begun = open_value
        value = as_json(begun)[:-1] if self._is_text(key) else begun
        return text + (", " if arguments else "") + f"{as_json(key)}: {value}"

    def _of(self, key: str) -> list[Form]:
        """Return the types that the argument may have; none if nothing is known about it."""
        if key not in self._known:
            found: list[Form] = []
            try:
                for whole in self._forms.of(self._root, ""):
                    properties = whole.get("properties", {})
                    if key in properties:
                        found += self._forms.of(properties[key], "")
            except (InvalidInput, RecursionError):
                found = []
            self._known[key] = found if all(found) else []
        return self._known[key]

    def _is_text(self, key: str) -> bool:
        """Tell whether a text may be the argument."""
        forms = self._of(key)
        return "string" in _allowed(forms) or any(isinstance(value, str) for value in _values(forms))

    def _value(self, key: str, text: str) -> str:
        """Return a value as JSON, unchanged where it is JSON already: a number keeps its zeros."""
        forms = self._of(key)
        values = _values(forms)
        for written in (text, text.strip()):
            if written in values:
                return as_json(written)
        stripped = _PYTHON.get(text.strip(), text.strip())
        is_json, value = _parsed(stripped)
        if not is_json:
            return as_json(text)
        if not forms:
            # Of an argument without a schema, "42" is a number, as most tools mean it; "1.10" is a text.
            return as_json(text) if isinstance(value, float) and as_json(value) != stripped else stripped
        if not self._is_text(key) or any(same(one) == same(value) for one in values):
            return stripped
        kind = {type(None): "null", dict: "object", list: "array"}.get(type(value))
        return stripped if kind in _allowed(forms) else as_json(text)


def _allowed(forms: Sequence[Form]) -> set[str]:
    return {kind for form in forms if "enum" not in form for kind in types_of(form)}


def _values(forms: Sequence[Form]) -> list[Any]:
    return [value for form in forms for value in form.get("enum", ())]


def _parsed(text: str) -> tuple[bool, Any]:
    """Return (whether the text is JSON, its value). NaN and infinite numbers are not JSON."""
    try:
        return True, json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return False, None


def _refuse(_name: str) -> None:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _float_or_text(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def read_json(text: str) -> Any:
    """Return the value; None if the text is not JSON. NaN and infinite numbers become texts, since JSON has neither."""
    try:
        return json.loads(text, parse_constant=str, parse_float=_float_or_text)
    except (ValueError, RecursionError):
        return None


def as_json(value: Any) -> str:
    """Return JSON with readable letters; halves of surrogate pairs stay escaped, since UTF-8 cannot encode them."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text
