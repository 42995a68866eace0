from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.inference.requests import ChatMessage, Tool, ToolCall
from models.prompting.chat_template import ChatTemplate

HELLO = [ChatMessage("user", "hello")]
GLM_4_7 = "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>" + (
    "{{ '</think>' if (enable_thinking is defined and not enable_thinking) else '<think>' }}"
)
GLM_4_5 = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}"
    "{{ '/nothink' if m.role == 'user' and enable_thinking is defined and not enable_thinking }}{% endfor %}<|assistant|>"
    "{{ '\n<think></think>' if enable_thinking is defined and not enable_thinking else '' }}"
)

Build = Callable[..., ChatTemplate]


@pytest.fixture
def template() -> Iterator[Build]:
    made: list[ChatTemplate] = []

    def build(source: str | None, **limits: float) -> ChatTemplate:
        made.append(ChatTemplate(source, "model", **limits))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_thinking_can_be_switched_where_the_prompt_opens_the_tag(template: Build) -> None:
    glm = template(GLM_4_7)
    on, off = glm.render(HELLO, thinking=True), glm.render(HELLO, thinking=False)
    assert (on.text, on.inside_thinking) == ("[gMASK]<sop><|user|>hello<|assistant|><think>", True)
    assert (off.text, off.inside_thinking) == ("[gMASK]<sop><|user|>hello<|assistant|></think>", False)


def test_thinking_can_be_switched_where_the_answer_opens_the_tag(template: Build) -> None:
    glm = template(GLM_4_5)
    assert not glm.render(HELLO, thinking=True).inside_thinking
    assert glm.render(HELLO, thinking=False).text == "[gMASK]<sop><|user|>\nhello/nothink<|assistant|>\n<think></think>"


def test_a_template_without_a_switch_that_always_opens_the_tag_gets_it_closed(template: Build) -> None:
    z1 = template("{{ messages[0].content }}<|assistant|>\n<think>\n")
    assert z1.render(HELLO, thinking=True).inside_thinking
    off = z1.render(HELLO, thinking=False)
    assert (off.text, off.inside_thinking) == ("hello<|assistant|>\n<think>\n</think>\n", False)


def test_a_file_without_a_template_gets_the_plain_glm_one(template: Build) -> None:
    talk = [ChatMessage("system", "s"), ChatMessage("user", "u"), ChatMessage("tool", "t")]
    assert template(None).render(talk, thinking=True).text == "[gMASK]<sop><|system|>\ns<|user|>\nu<|observation|>\nt<|assistant|>\n"


def test_earlier_thoughts_are_handed_to_the_template(template: Build) -> None:
    source = "{{ messages[0].reasoning_content }}|{{ messages[1].reasoning_content is string }}"
    talk = [ChatMessage("assistant", "a", "why"), ChatMessage("user", "b")]
    assert template(source).render(talk, thinking=True).text == "why|False"


TOOL = Tool("weather", "Of a city", '{"type": "object"}')
CALLED = [
    ChatMessage("user", "u"),
    ChatMessage("assistant", "Let me see.", tool_calls=(ToolCall("c1", "weather", '{"city": "Köln"}'),)),
    ChatMessage("tool", "Rain", tool_call_id="c1"),
]


def test_tools_and_calls_reach_a_template_that_knows_them(template: Build) -> None:
    glm = template(
        "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
        "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}{% for k, v in c.function.arguments.items() %}"
        "[{{ k }}={{ v }}]{% endfor %}{% endfor %}{% endfor %}"
    )
    assert glm.render(CALLED, thinking=True, tools=[TOOL]).text == (
        '{"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": {"type": "object"}}}'
        "<|user|>u<|assistant|>Let me see.<tool_call>weather[city=Köln]<|tool|>Rain"
    )


def test_an_older_template_gets_calls_as_metadata_and_answers_as_observations(template: Build) -> None:
    text = template(None).render(CALLED, thinking=True, tools=[TOOL]).text
    system, _, talk = text.partition("<|user|>")
    assert system.startswith("[gMASK]<sop><|system|>\n# Tools") and '{"name": "weather", "description": "Of a city"' in system
    assert talk == '\nu<|assistant|>\nLet me see.<|assistant|>weather\n{"city": "Köln"}<|observation|>\nRain<|assistant|>\n'


@pytest.mark.parametrize("arguments", ['{"city": "Bo', "", "null", "[1]", '"text"', "no JSON at all"])
def test_arguments_that_are_no_object_do_not_end_a_conversation(template: Build, arguments: str) -> None:
    source = "{% for m in messages %}{% for c in m.tool_calls or [] %}{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}"
    glm = template(source + "{% endfor %}{% endfor %}{% endfor %}")
    called = [ChatMessage("user", "u"), ChatMessage("assistant", "", tool_calls=(ToolCall("c", "f", arguments),))]
    assert glm.render(called, thinking=True).text == f"arguments={arguments}"


@pytest.mark.parametrize("depth", [90, 900, 5_000, 100_000])
def test_deep_arguments_do_not_exhaust_the_stack(template: Build, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    called = [ChatMessage("user", "u"), ChatMessage("assistant", "", tool_calls=(ToolCall("c", "f", deep), ToolCall("d", "f", "]]}{")))]
    source = "{% for m in messages %}{{ m.tool_calls | length if m.tool_calls }}{% endfor %}{{ tools | length }}"
    assert template(source).render(called, thinking=True, tools=[Tool("f", "", deep)]).text == "21"


def test_what_templates_use_is_there(template: Build) -> None:
    loop = "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
    source = loop + "{{ {'a': '<你>'} | tojson }}{{ strftime_now('%Y')|int > 2000 }}"
    assert template(source).render(HELLO, thinking=True).text == '01{"a": "<你>"}True'


def test_text_of_any_kind_goes_through_unchanged(template: Build) -> None:
    odd = "a\nb\u2028\0{{ messages }} 🙂 </think>"
    rendered = template("{{ messages[0].content }}").render([ChatMessage("user", odd)], thinking=True)
    assert rendered.text == odd


@pytest.mark.parametrize("source", ["{% if", "{{ raise_exception('no') }}", "{{ messages[7].content.x }}", "{{ 1 / 0 }}"])
def test_a_template_that_fails_says_why(template: Build, source: str) -> None:
    with pytest.raises(InvalidInput, match=r"The chat template of model cannot render this conversation: .+"):
        template(source).check()


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% include '/etc/passwd' %}",
        "{{ strftime_now.__globals__ }}",
    ],
)
def test_the_sandbox_holds(template: Build, source: str) -> None:
    with pytest.raises(InvalidInput):
        template(source + "{{ raise_exception('reached the end') }}").check()


BOMBS = {
    "a nested loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a long loop with output": "{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "a gigantic string": "{{ 'a' * 10 ** 10 }}",
    "a doubling string": "{% set ns = namespace(s='x' * 1000) %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "a wide format": "{{ '%1000000000d' | format(1) }}",
    "a gigantic power": "{{ 10 ** (10 ** 8) }}",
    "endless recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_template_that_takes_too_much_is_stopped(template: Build, name: str) -> None:
    begin = time.monotonic()
    with pytest.raises(InvalidInput):
        template(BOMBS[name], cpu_s=0.2, wall_s=3).check()
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("source", ["   ", "{% if false %}{{ messages }}{% endif %}", "\n{# nothing #}\n"])
def test_a_template_that_writes_nothing_is_refused(template: Build, source: str) -> None:
    with pytest.raises(InvalidInput, match="The chat template of model renders nothing"):
        template(source).check()


@pytest.mark.parametrize("source", ["{{ '\\ud800' }}{{ messages[-1].content }}", "{{ messages[0].content }}{{ '\\udfff' * 3 }}"])
def test_a_template_that_writes_half_a_character_is_refused(template: Build, source: str) -> None:
    """Each question to such a model would be an error of the server."""
    with pytest.raises(InvalidInput, match="renders an unpaired surrogate"):
        template(source).check()


def test_what_a_template_complains_of_is_shown_without_what_a_terminal_obeys(template: Build) -> None:
    with pytest.raises(InvalidInput) as refused:
        template("{{ raise_exception('\x1b[31mno\x1b]0;owned\x07 system\n role') }}").render(HELLO, thinking=True)
    assert str(refused.value) == "The chat template of model cannot render this conversation: no system role."


def test_after_a_stopped_rendering_the_next_one_works(template: Build) -> None:
    source = (
        "{% if messages[0].content == 'loop' %}{% for a in range(99999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}{% endif %}fine"
    )
    glm = template(source, cpu_s=0.2, wall_s=2)
    with pytest.raises(InvalidInput, match="took more than"):
        glm.render([ChatMessage("user", "loop")], thinking=True)
    assert glm.render(HELLO, thinking=True).text == "fine"


def test_a_rendering_costs_milliseconds(template: Build) -> None:
    glm = template(GLM_4_7)
    talk = [ChatMessage("user", "hello " * 100)] * 50
    glm.render(talk, thinking=True)
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        glm.render(talk, thinking=True)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.02, "the least: another program may take the processor in between"


def test_the_process_sees_none_of_the_portals_environment(template: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_ADMIN_PASSWORD", "secret")
    glm = template("x")
    glm.check()
    assert glm.pid is not None
    assert b"secret" not in Path(f"/proc/{glm.pid}/environ").read_bytes()


def test_closing_leaves_no_process(template: Build) -> None:
    glm = template("x")
    glm.check()
    pid = glm.pid
    assert pid is not None
    glm.close()
    assert not Path(f"/proc/{pid}").exists()
