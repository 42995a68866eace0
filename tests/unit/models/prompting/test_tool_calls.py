from __future__ import annotations

import json
import random

import pytest

from core.inference.requests import Tool, ToolCall
from models.prompting.grammar import check_grammar
from models.prompting.tool_calls import ToolCallParser, must_call

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
    "<tool_call>now<arg_key>x</arg_key></tool_call>": ("<tool_call>now<arg_key>x</arg_key></tool_call>", []),
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


@pytest.mark.parametrize("tagged", [True, False])
def test_the_grammar_of_a_forced_call_is_one(tagged: bool) -> None:
    assert '"weather" | "weather_map" | "now"' in check_grammar(must_call(TOOLS, tagged=tagged))
