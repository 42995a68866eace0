"""Output that is constrained to tool calls: always a call, with the arguments that the tool's schema asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import Draft7Validator

from core.errors import InvalidInput
from core.inference.requests import Tool
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.engine.llama.options import BackendOptions
from models.engine.sampling.grammar_sampler import GrammarSampler
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar
from models.prompting.call_grammar import may_call, must_call
from models.prompting.tool_calls import ToolCallParser
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.prompting.chance import written

ACCEPT = sorted((Path(__file__).parent / "schemas" / "accept").glob("*.json"))
OF_TOOLS = [path for path in ACCEPT if json.loads(path.read_text("utf-8"))["schema"].get("type") == "object"]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    path = make_gguf(tmp_path_factory.mktemp("models") / "synthetic.gguf")
    backend = LlamaBackend(path, BackendOptions(context=256, slots=1, extra_buffers=EXTRA_BUFFERS))
    yield backend
    backend.close()


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("path", OF_TOOLS, ids=lambda path: path.stem)
def test_a_forced_call_has_the_arguments_that_its_schema_asks_for(backend: LlamaBackend, path: Path, tagged: bool) -> None:
    case = json.loads(path.read_text("utf-8"))
    tools = [Tool("other"), Tool("asked", "", json.dumps(case["schema"], ensure_ascii=False))]
    found = must_call(tools[1:], tagged=tagged)
    backend.prepare_grammar(found.grammar)
    kind = Draft7Validator if isinstance(case["schema"].get("items"), list) else Draft202012Validator
    ignored = {each.rpartition(".")[2].partition(" ")[0] for each in found.ignored} | {"multipleOf"}
    for seed in range(3):
        parser = ToolCallParser(tools, forced=True)
        text = written(backend, found.grammar, seed, tag=b"</arg_value>" if tagged else b"")
        shown, calls = parser.feed(text)
        rest, more = parser.finish()
        assert (shown + rest, len(calls + more)) == ("", 1), text
        (call,) = calls + more
        problems = list(kind(case["schema"]).iter_errors(json.loads(call.arguments)))
        assert [each.message for each in problems if each.validator not in ignored] == [], text


WEATHER = {"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z][a-z]+$"}, "days": {"type": "integer"}},
           "required": ["city"]}  # fmt: skip
STRICT = Tool("weather", "", json.dumps(WEATHER), strict=True)


def allows(backend: LlamaBackend, grammar: str, text: str) -> bool:
    sampler = GrammarSampler(read_grammar(grammar), TokenTexts(backend.vocabulary, backend.piece, backend.ends))
    for token in backend.tokenize(text, special=False):
        if not sampler.allows(token):
            return False
        sampler.accept(token)
    return sampler.allows(lib.llama_vocab_eos(backend.vocab))


@pytest.mark.parametrize("tagged", [True, False])
def test_an_answer_that_may_call_a_strict_tool_is_text_or_a_right_call(backend: LlamaBackend, tagged: bool) -> None:
    grammar = may_call([STRICT, Tool("now")], tagged=tagged).grammar
    bonn = "<arg_key>city</arg_key><arg_value>Bonn</arg_value>"
    good = ["", "Just text, with < and <tool and {}.", "weather is fine"]
    bad = []
    if tagged:
        good += [f"Let me see.\n<tool_call>weather\n{bonn}</tool_call>\n<tool_call>now</tool_call>"]
        bad += ["<tool_call>weather</tool_call>", "<tool_call>other</tool_call>", f"<tool_call>weather{bonn.replace('B', 'b')}</tool_call>"]
    else:
        good += ['weather\n{"city": "Bonn", "days": 3}']
        bad += ["weather\n{}", "weather\nis fine", 'weather\n{"city": "bonn"}']
    assert [text for text in good if not allows(backend, grammar, text)] == []
    assert [text for text in bad if allows(backend, grammar, text)] == []


@pytest.mark.parametrize("make", [must_call, may_call])
@pytest.mark.parametrize("tagged", [True, False])
def test_a_strict_tool_whose_schema_cannot_be_followed_is_refused_by_name(make: object, tagged: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "contains": {"const": 1}}}, "required": ["a"]}
    tool = Tool("f", "", json.dumps(schema), strict=True)
    with pytest.raises(InvalidInput, match=r"tools\.f\.a\.contains"):
        make([tool], tagged=tagged)  # type: ignore[operator]
    loose = must_call([Tool("f", "", json.dumps(schema))], tagged=tagged)
    assert loose.ignored == ("tools.f.a.contains",)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_schema_that_is_none_lets_any_arguments_through_and_says_so(backend: LlamaBackend, tagged: bool) -> None:
    found = must_call([Tool("f", "", '{"type": "text"}')], tagged=tagged)
    assert found.ignored == ("tools.f.parameters",)
    call = "<tool_call>f<arg_key>x</arg_key><arg_value>1</arg_value></tool_call>" if tagged else 'f\n{"x": 1}'
    assert allows(backend, found.grammar, call)
