from __future__ import annotations

import json
import random
import time

import pytest

from core.inference.requests import Tool, ToolCall
from models.prompting.tool_calls import ToolCallParser

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "zip": {"type": "string"}}}
TOOLS = (Tool("weather", "", json.dumps(SCHEMA)), Tool("weather_map"), Tool("now"))
ARGUMENTS = "<arg_key>city</arg_key>\n<arg_value>Bonn</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n"
TAGGED = f"<tool_call>weather\n{ARGUMENTS}</tool_call>"
BONN = ("weather", {"city": "Bonn", "days": 3})

Found = tuple[str, list[tuple[str, object]]]


def parse(pieces: list[str]) -> Found:
    parser = ToolCallParser(TOOLS)
    text = ""
    calls: list[ToolCall] = []
    for new, found in [*(parser.feed(piece) for piece in pieces), parser.finish()]:
        text += new
        calls += found
    assert len({call.id for call in calls}) == len(calls)
    return text, [(call.name, json.loads(call.arguments)) for call in calls]


CASES: dict[str, Found] = {
    "Just text, with < and <tool and {} in it.": ("Just text, with < and <tool and {} in it.", []),
    TAGGED: ("", [BONN]),
    f"Let me look.\n{TAGGED}": ("Let me look.", [BONN]),
    f"\n{TAGGED}\n<tool_call>now</tool_call>\n": ("", [BONN, ("now", {})]),
    f"a{TAGGED}b\n": ("ab\n", [BONN]),
    "<tool_call>weather<arg_key>zip</arg_key><arg_value>01234</arg_value></tool_call>": ("", [("weather", {"zip": "01234"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>{\"a\": [1]}</arg_value></tool_call>": ("", [("now", {"x": {"a": [1]}})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>two\nlines <b></arg_value></tool_call>": ("", [("now", {"x": "two\nlines <b>"})]),
    '<tool_call>{"name": "now", "arguments": {"x": 1}}</tool_call>': ("", [("now", {"x": 1})]),
    "<tool_call>unknown</tool_call> rest": ("<tool_call>unknown</tool_call> rest", []),
    "<tool_call>now<arg_key>x</arg_key></tool_call>": ("", [("now", {})]),
    "<tool_call>now<arg_key>x</arg_key><arg_key>y</arg_key><arg_value>1</arg_value></tool_call>": ("", [("now", {"y": 1})]),
    "<tool_call>weather<arg_key>city</arg_key>Bonn</tool_call>": ("", [("weather", {"city": "Bonn"})]),
    "<tool_call>weather<arg_key>city</arg_key>\nBonn</arg_value></tool_call>": ("", [("weather", {"city": "Bonn"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>a</tool_call>b</arg_value></tool_call>c": ("c", [("now", {"x": "a</tool_call>b"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>a <arg_key> b</arg_value>!</arg_value></tool_call>":
        ("", [("now", {"x": "a <arg_key> b</arg_value>!"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>Bonn</tool_call>": ("", [("now", {"x": "Bonn"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>NaN</arg_value></tool_call>": ("", [("now", {"x": "NaN"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>1e999</arg_value></tool_call>": ("", [("now", {"x": "1e999"})]),
    "<tool_call>now<arg_key>x</arg_key><arg_value>1.10</arg_value></tool_call>": ("", [("now", {"x": "1.10"})]),
    '<tool_call>{"name": "now", "arguments": {"x": "</tool_call>"}}</tool_call>': ("", [("now", {"x": "</tool_call>"})]),
    'now\n{"x": NaN, "y": "\\ud800"}': ("", [("now", {"x": "NaN", "y": "\ud800"})]),
    "<tool_call>weather\n<arg_key>city</arg": ("<tool_call>weather\n<arg_key>city</arg", []),
    f"<tool_call>weather\n{ARGUMENTS}": ("", [BONN]),
    'weather\n{"city": "Bonn", "days": 3}': ("", [BONN]),
    '\nweather_map\n{"x": {"y": []}}\n': ("", [("weather_map", {"x": {"y": []}})]),
    'weather\nin Bonn is fine': ("weather\nin Bonn is fine", []),
    "weather is fine": ("weather is fine", []),
    "weather": ("weather", []),
    '{"name": "weather", "arguments": {"city": "Bonn", "days": 3}}': ("", [BONN]),
    '{"name": "now", "parameters": {}}': ("", [("now", {})]),
    '{"name": "unknown", "arguments": {}}': ('{"name": "unknown", "arguments": {}}', []),
    '{"a": 1} is JSON': ('{"a": 1} is JSON', []),
    "{" * 5000: ("{" * 5000, []),
    "": ("", []),
}


@pytest.mark.parametrize("answer", CASES, ids=lambda answer: answer[:40])
def test_calls_are_taken_out_of_the_text(answer: str) -> None:
    assert parse([answer]) == CASES[answer]


@pytest.mark.parametrize("answer", [answer for answer in CASES if len(answer) < 1000], ids=lambda answer: answer[:40])
def test_any_cut_gives_the_same(answer: str) -> None:
    assert parse(list(answer)) == CASES[answer]
    for seed in range(20):
        rng = random.Random(seed)
        cuts = sorted(rng.randrange(len(answer) + 1) for _ in range(4))
        assert parse([answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]) == CASES[answer]


def test_text_that_cannot_be_a_call_is_given_out_at_once() -> None:
    parser = ToolCallParser(TOOLS)
    assert parser.feed("Hello") == ("Hello", ())
    assert parser.feed(" there <") == (" there ", ())
    assert parser.feed("b>") == ("<b>", ())


ODD = {
    "type": "object",
    "$defs": {"code": {"type": "string"}},
    "properties": {
        "maybe": {"type": ["string", "null"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "size": {"enum": ["1", "2", "big", 3]},
        "code": {"$ref": "#/$defs/code"},
        "number": {"type": "number"},
        "flag": {"type": ["boolean", "null"]},
        "list": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "all": {"allOf": [{"$ref": "#/$defs/code"}, {"minLength": 2}]},
    },
}


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("maybe", "10115", "10115"), ("maybe", "1.10", "1.10"), ("maybe", "true", "true"), ("maybe", "null", None), ("maybe", "NaN", "NaN"),
        ("either", "10115", "10115"), ("either", "false", "false"), ("size", "1", "1"), ("size", "3", 3), ("size", "big", "big"),
        ("size", " big\n", "big"), ("code", "007", "007"), ("code", "1e5", "1e5"), ("number", "1.10", 1.1), ("number", "NaN", "NaN"),
        ("flag", "True", True), ("flag", "None", None), ("list", '["a"]', ["a"]), ("list", "12", "12"), ("all", "12", "12"),
        ("other", "42", 42), ("other", "true", True), ("other", "x", "x"), ("number", "12345678901234567890.10", 12345678901234567890.10),
    ],
)  # fmt: skip
def test_the_schema_tells_text_from_json(key: str, written: str, value: object) -> None:
    parser = ToolCallParser([Tool("f", "", json.dumps(ODD))])
    parser.feed(f"<tool_call>f<arg_key>{key}</arg_key><arg_value>{written}</arg_value>")
    _, (call,) = parser.finish()
    assert json.loads(call.arguments, parse_constant=pytest.fail) == {key: value}


def test_numbers_keep_how_they_were_written() -> None:
    parser = ToolCallParser([Tool("f", "", json.dumps(ODD))])
    _, (call,) = parser.feed("<tool_call>f<arg_key>number</arg_key><arg_value>0.12345678901234567890</arg_value></tool_call>")
    assert call.arguments == '{"number": 0.12345678901234567890}'


CUT = {
    "<tool_call>weather\n<arg_key>city</arg_key><arg_value>Bo": ("", "weather", '{"city": "Bo'),
    f"<tool_call>weather{ARGUMENTS}<arg_key>zip</arg_key><arg_value>0": ("", "weather", '{"city": "Bonn", "days": 3, "zip": "0'),
    "<tool_call>weather<arg_key>days</arg_key><arg_value>1": ("", "weather", '{"days": 1'),
    "Text.<tool_call>now<arg_k": ("Text.", "now", "{"),
    f"<tool_call>weather{ARGUMENTS}": ("", "weather", '{"city": "Bonn", "days": 3'),
    f"<tool_call>weather{ARGUMENTS}</tool": ("", "weather", '{"city": "Bonn", "days": 3}'),
    "<tool_call>weather_m": ("", "weather_map", ""),
    'weather\n{"city": "Bo': ("", "weather", '{"city": "Bo'),
}


@pytest.mark.parametrize("answer", CUT, ids=lambda answer: answer[:40])
def test_a_call_that_the_limit_cut_is_a_call_whose_arguments_do_not_end(answer: str) -> None:
    parser = ToolCallParser(TOOLS, forced=True)
    text, calls = "", []
    for new, found in [*(parser.feed(character) for character in answer), parser.finish(cut=True)]:
        text += new
        calls += found
    assert (text, [(call.name, call.arguments) for call in calls]) == (CUT[answer][0], [CUT[answer][1:]])


@pytest.mark.parametrize("answer", ["<tool", "<tool_call>", "<tool_call>weath", "", "we"])
def test_of_a_forced_call_that_was_cut_nothing_becomes_text(answer: str) -> None:
    parser = ToolCallParser(TOOLS, forced=True)
    shown, calls = parser.feed(answer)
    assert (shown, calls, parser.finish(cut=True)) == ("", (), ("", ()))


def test_long_arguments_are_read_in_good_time() -> None:
    parser = ToolCallParser(TOOLS)
    started = time.thread_time()
    parser.feed("<tool_call>now<arg_key>x</arg_key><arg_value>")
    for _ in range(20_000):
        parser.feed("a</tool_call> <arg_key>")
    _, (call,) = parser.feed("</arg_value></tool_call>")
    assert len(json.loads(call.arguments)["x"]) == 20_000 * 23
    assert time.thread_time() - started < 10
