"""The JSON that a schema's grammar accepts, as llama.cpp judges it and as the engine does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import InvalidInput
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.engine.llama.options import BackendOptions
from models.engine.sampling.grammar_sampler import GrammarSampler
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar
from models.schema.json_schema import grammar_of
from samples.gguf_maker import make_gguf
from tests.native_grammar import NativeGrammar
from tests.this_machine import EXTRA_BUFFERS


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    path = make_gguf(tmp_path_factory.mktemp("models") / "synthetic.gguf")
    backend = LlamaBackend(path, BackendOptions(context=256, slots=1, extra_buffers=EXTRA_BUFFERS))
    yield backend
    backend.close()


def follows(backend: LlamaBackend, schema: Any, text: str) -> bool:
    """Tell whether the grammar allows exactly this text and then the end."""
    grammar = grammar_of(json.dumps(schema)).grammar
    ours = GrammarSampler(read_grammar(grammar), TokenTexts(backend.vocabulary, backend.piece, backend.ends))
    native = NativeGrammar(backend.vocab, grammar)
    try:
        for token in [*backend.tokenize(text, special=False), lib.llama_vocab_eos(backend.vocab)]:
            allowed = native.allows(token)
            assert ours.allows(token) is allowed, f"llama.cpp and the engine differ about {backend.piece(token)!r} in {text!r}"
            if not allowed:
                return False
            ours.accept(token)
            if not backend.ends(token):
                native.accept(token)
        return True
    finally:
        native.free()


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "mail": {"type": "string"}, "vip": {"type": "boolean"}},
    "required": ["age", "vip"],
}
KIDS = {"type": "array", "items": {"$ref": "#/$defs/node"}}
NODE = {"type": "object", "properties": {"v": {"type": "number"}, "kids": KIDS}, "required": ["v"]}
TREE = {"$defs": {"node": NODE}, "$ref": "#/$defs/node"}
CASES: list[tuple[Any, list[str], list[str]]] = [
    (True, ["1", '"a"', "null", '{"a": [1, {"b": -0.5e3}], "ü": "\\u00e9\\n"}', "[]"], ["", "{", "tru", "{'a': 1}", "01", '"a\n"']),
    ({"type": "object"}, ["{}", '{ "a": 1 }'], ["[]", "1"]),
    ({"type": "array"}, ["[]", "[1, \"a\"]"], ["{}"]),
    ({"type": ["string", "null"]}, ['"x"', "null"], ["1", "true"]),
    ({"type": "string", "nullable": True}, ['"x"', "null"], ["1"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"äöü"', '"\\n\\n"'], ['"a"', '"abcd"']),
    ({"type": "string", "format": "date"}, ['"2026-11-21"'], ['"2026-13-01"', '"today"']),
    ({"type": "string", "format": "date-time"}, ['"2026-11-21T10:00:00Z"', '"2026-11-21T23:59:59.5+01:00"'], ['"2026-11-21"']),
    ({"type": "string", "format": "uuid"}, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123e4567"']),
    ({"type": "string", "format": "email"}, ['"a.b@example.com"'], ['"anything"', '"a@b"', '"a b@c.de"', '"@c.de"']),
    ({"type": "string", "format": "ipv4"}, ['"10.0.255.1"'], ['"10.0.256.1"', '"10.0.1"', '"01.2.3.4"']),
    ({"type": "string", "format": "date"}, ['"2024-02-29"'], ['"2023-02-29"', '"2026-04-31"', '"0000-01-01"']),
    ({"type": "string", "pattern": "a+"}, ['"xaay"'], ['"xy"']),
    ({"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 3}, ['"ab"', '"abc"'], ['"a"', '"abcd"', '"a1"']),
    ({"type": "string", "pattern": "^(?=.*[0-9])(?!.*__).{3,}$"}, ['"ab1"'], ['"abc"', '"a__1"', '"a1"']),
    ({"type": "string", "pattern": "^\"\\\\$"}, ['"\\"\\\\"'], ['"x"']),
    ({"type": "number", "minimum": 0.5, "exclusiveMaximum": 2}, ["0.5", "1", "1.999"], ["0.49", "2", "2.0", "-1"]),
    ({"type": "number", "multipleOf": 0.01}, ["1.25", "-3"], ["1.255"]),
    ({"type": "integer", "multipleOf": 7, "minimum": 1000, "maximum": 99999}, ["1001", "7000"], ["1000", "7001", "994"]),
    ({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 1}, ['["a"]', '["a","c"]'], ["[]",
     '["a","a"]']),
    ({"properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
     ['{"a": null}', '{"b": null}', '{"a": null, "b": null}'], ["{}"]),
    ({"properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
     ['{"a": null}', '{"b": null}'], ["{}", '{"a": null, "b": null}']),
    ({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"a": {"minimum": 3},
     "b": {"type": "null"}}}]},
     ['{"a": 3}', '{"a": 4, "b": null}'], ['{"a": 2}', '{"b": null}']),
    ({"properties": {"k": {"enum": ["x", "y"]}, "n": {"type": "integer"}}, "required": ["k"],
      "if": {"properties": {"k": {"const": "x"}}}, "then": {"required": ["n"]}}, ['{"k": "x", "n": 1}', '{"k": "y"}'], ['{"k": "x"}']),
    ({"type": "string", "not": {"enum": ["a", "b"]}, "maxLength": 1}, ['"c"', '""'], ['"a"', '"b"']),
    ({"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}, ['{"x-a": 1}', "{}"],
     ['{"y": 1}']),
    ({"type": "object", "additionalProperties": {"type": "null"}, "properties": {"a": {"type": "integer"}}, "minProperties": 1},
     ['{"a": 1}', '{"b": null}'], ["{}", '{"a": null}']),
    ({"type": "object", "maxProperties": 1, "propertyNames": {"pattern": "^[a-z]$"}, "additionalProperties": {"type": "null"}},
     ["{}", '{"a": null}'], ['{"a": null, "b": null}', '{"A": null}']),
    ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "boolean"}, "maxItems": 2}, ["[null]", "[null, true]"],
     ["[]", "[null, true, true]"]),
    ({"type": "object", "required": ["x"]}, ['{"x": 1}', '{"x": {}}'], ["{}"]),
    ({"type": "integer", "maximum": 1.5, "minimum": -0.5}, ["0", "1"], ["2", "-1"]),
    ({"type": "string", "minLength": 1, "enum": ["", "a"]}, ['"a"'], ['""']),
    ({"exclusiveMinimum": True, "minimum": 3, "type": "integer"}, ["4"], ["3"]),
    ({"dependentRequired": {"a": ["b"]}, "properties": {"a": {"type": "null"}, "b": {"type": "null"}}},
     ["{}", '{"b": null}', '{"a": null, "b": null}'], ['{"a": null}']),
    ({"const": 1.0}, ["1.0"], ["2"]),
    ({"type": "integer"}, ["0", "-7", "123456"], ["1.5", "00", "-"]),
    ({"type": "integer", "minimum": -12, "maximum": 105}, ["-12", "-1", "0", "9", "99", "105"], ["-13", "106", "1000", "-0"]),
    ({"type": "integer", "exclusiveMinimum": 0}, ["1", "999999999999999"], ["0", "-1"]),
    ({"type": "integer", "exclusiveMaximum": 10}, ["9", "-5"], ["10"]),
    ({"type": "number"}, ["0", "-1.5", "2e10"], ["1.", ".5", "NaN"]),
    ({"enum": ["a", 1, None, {"b": []}]}, ['"a"', "1", "null", '{"b": []}'], ['"b"', "2"]),
    ({"const": 'say "hi" \\ é'}, ['"say \\"hi\\" \\\\ é"'], ['"x"']),
    ({"anyOf": [{"type": "integer"}, {"const": "x"}]}, ["1", '"x"'], ['"y"']),
    ({"allOf": [{"type": "boolean"}], "description": "d"}, ["true", "false"], ["null"]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}, ["[1]", "[1,2,3]"], ["[]", "[1,2,3,4]", '["a"]']),
    ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, ["[]"], ["[1]"]),
    ({"type": "array", "maxItems": 1}, ["[]", "[{}]"], ["[1,2]"]),
    ({"type": "array", "minItems": 2}, ["[1,2]", "[1,2,3]"], ["[1]"]),
    ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, ['[1, "a"]'], ["[1]", '["a", 1]']),
    (PERSON, ['{"age": 1, "vip": true}', '{"name": "A", "age": 1, "mail": "m", "vip": true}', '{"name":"A","age":1,"vip":false}'],
     ['{"age": 1}', '{"vip": true, "age": 1}', '{"age": 1, "vip": true,}',
      '{"age": 1, "vip": true, "x": 1}', "{}", '{,"age":1,"vip":true}']),
    ({"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}},
     ["{}", '{"a": null}', '{"b": null}', '{"a": null, "b": null}'], ['{"b": null, "a": null}', '{"a": null,}']),
    ({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}},
     ["{}", '{"a": null}', '{"x": 1}', '{"a": null, "x": 1, "y": 2}'], ['{"x": "s"}', '{"x": 1,}']),
    ({"type": "object", "properties": {}, "additionalProperties": False}, ["{}"], ['{"a": 1}']),
    (TREE, ['{"v": 1}', '{"v": 1, "kids": [{"v": 2, "kids": []}]}'], ['{"kids": []}', '{"v": 1, "kids": [1]}']),
    ({"properties": {"a b\"\\": {"type": "integer"}}, "required": ["a b\"\\"]}, ['{"a b\\"\\\\": 1}'], ["{}"]),
    ({"type": "object", "properties": {"n": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}, ['{"n": {"n": null}}'], ['{"n": 1}']),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad"), CASES, ids=lambda value: json.dumps(value)[:40] if not isinstance(value, list) else "")
def test_what_follows_the_schema_is_allowed_and_nothing_else(backend: LlamaBackend, schema: Any, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not follows(backend, schema, text)] == []
    assert [text for text in bad if follows(backend, schema, text)] == []


BAD: list[tuple[Any, str]] = [
    (5, "must be a JSON object"),
    (False, "no value can satisfy"),
    ({"type": "text"}, "type must be"),
    ({"type": []}, "type must be"),
    ({"type": {"a": 1}}, "type must be"),
    ({"anyOf": []}, "at least one schema"),
    ({"allOf": [{"type": "string"}, {"type": "null"}]}, "no value can satisfy"),
    ({"type": "string", "pattern": "^a$", "minLength": 3}, "no value can satisfy"),
    ({"enum": []}, "at least one value"),
    ({"$ref": "http://example.com/schema"}, "must point into the schema itself"),
    ({"$ref": "#/$defs/x"}, "there is nothing at"),
    ({"$ref": "#"}, "leads back to itself"),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "leads back to itself"),
    ({"type": "object", "properties": [1]}, "properties must be an object"),
    ({"type": "string", "minLength": 5, "maxLength": 1}, "below minLength"),
    ({"type": "array", "minItems": -1}, "from 0 on"),
    ({"type": "array", "minItems": 2, "maxItems": 1}, "below minItems"),
    ({"type": "array", "minItems": 1, "maxItems": 0}, "below minItems"),
    ({"type": "integer", "minimum": 5, "maximum": 4}, "no value can satisfy"),
    ({"type": "object", "properties": {str(n): {} for n in range(3000)}}, "more than 2000 parts"),
    ({"enum": list(range(3000))}, "more than 2000 parts"),
    ({"enum": ["x" * 60_000]}, "too large"),
]


@pytest.mark.parametrize(("schema", "words"), BAD, ids=lambda value: str(value)[:40])
def test_what_cannot_be_honoured_is_refused_in_words(schema: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        grammar_of(json.dumps(schema))


def test_hostile_schemas_end_quickly() -> None:
    deep = '{"items": ' * 50_000 + "{}" + "}" * 50_000
    wide = {"$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": {}}, "$ref": "#/$defs/d0"}
    for text in (deep, json.dumps(wide), "{", "nul", "\ud800", '{"enum": ["\\ud800"]} x'):
        with pytest.raises(InvalidInput):
            grammar_of(text)


def test_half_a_character_becomes_a_question_mark() -> None:
    assert '"\\"?\\""' in grammar_of('{"const": "\\ud800"}').grammar


def test_an_anchor_within_a_look_ahead_is_where_the_text_begins(backend: LlamaBackend) -> None:
    """As pydantic writes decimals."""
    schema = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}
    assert follows(backend, schema, '"1.5"') and follows(backend, schema, '"-07"')
    assert not follows(backend, schema, '""') and not follows(backend, schema, '"-."')
