"""A plugin provides a kind of platform: its models are routed like others, and it fails alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from core.errors import Busy, InvalidInput, ModelFailed, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished
from core.platforms.records import Condition
from core.plugins.bounded_calls import BoundedCalls
from core.plugins.offered_platform import OfferedPlatform
from core.plugins.platform_records import (
    PlatformDeclines,
    PlatformKind,
    PlatformModel,
    PlatformPiece,
    PlatformQuestion,
    PlatformSettings,
    PlatformTrouble,
)
from data.plugins.json_schemas import JsonSchemas
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import FakeRouter
from tests.unit.models.platforms.remote.conftest import request_of

SCHEMA = {"type": "object", "properties": {"floor": {"type": "integer", "minimum": 0}}, "additionalProperties": False}
FILE = """platforms:
- name: desk
  type: plugin
  kind: oracle
  options: {floor: 3}
  models: {llm: [delphi]}
  limits: {first_token_s: 2, idle_s: 2, timeout_s: 60}
routes:
  chat: [delphi@desk, fake@local]
"""
Answer = Callable[[PlatformQuestion], Iterator[PlatformPiece]]


@dataclass
class Oracle:
    """A plugin's platform and its kind, as the portal finds them."""

    answers: Answer
    on: bool = True
    listing: Exception | None = None
    opened: list[PlatformSettings] = field(default_factory=list)
    asked: list[PlatformQuestion] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    calls: BoundedCalls = field(default_factory=BoundedCalls)

    def platform_kind(self, name: str) -> OfferedPlatform | None:
        kind = PlatformKind(name="oracle", title="Oracle", open=self._open, options=SCHEMA)
        if not self.on or name != "oracle":
            return None
        return OfferedPlatform("temple", kind, lambda problem: self.noted.append(repr(problem)), self.calls.call, JsonSchemas())

    def _open(self, settings: PlatformSettings) -> Oracle:
        self.opened.append(settings)
        return self

    def models(self) -> list[PlatformModel]:
        if self.listing is not None:
            raise self.listing
        return [PlatformModel(id="delphi", context=4096)]

    def answer(self, question: PlatformQuestion) -> Iterator[PlatformPiece]:
        self.asked.append(question)
        return self.answers(question)


def speaks(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    yield PlatformPiece(reasoning="Hm.")
    yield PlatformPiece(text="Know ")
    yield PlatformPiece(text="thyself.", prompt_tokens=7, completion_tokens=3)


@pytest.fixture
def oracle() -> Oracle:
    return Oracle(speaks)


@pytest.fixture
def router(oracle: Oracle) -> Iterator[PlatformRouter]:
    router = PlatformRouter(FakeRouter(), kinds=oracle)
    router.configure(YamlConfigurationReader("platforms.yaml", {}).read(FILE))
    deadline = time.monotonic() + 60
    while not router.view.members["desk"].remote.models.listed and oracle.listing is None:  # type: ignore[union-attr]
        assert time.monotonic() < deadline, "the platform never listed its models"
        time.sleep(0.01)
    yield router
    router.close()


def told(router: PlatformRouter, model: str | None = None) -> tuple[str, Finished, str]:
    """Return the text, the end, and who answered."""
    running = router.start(request_of(model=model))
    events = list(running.events())
    assert isinstance(events[-1], Finished) and running.routing is not None
    return "".join(each.text for each in events if isinstance(each, Delta)), events[-1], running.routing.target


def test_its_model_is_listed_and_answers_in_pieces(router: PlatformRouter, oracle: Oracle) -> None:
    assert "delphi" in {each.name for each in router.models()}
    text, end, target = told(router)
    assert (text, end.finish_reason, target) == ("Know thyself.", FinishReason.STOP, "delphi@desk")
    assert (end.usage.prompt_tokens, end.usage.completion_tokens) == (7, 3)
    [settings] = oracle.opened
    assert (settings.name, settings.options) == ("desk", {"floor": 3})
    [question] = oracle.asked
    assert question.model == "delphi" and question.messages[-1].role == "user" and not question.stopped()


def test_tokens_are_estimated_where_it_counts_none(router: PlatformRouter, oracle: Oracle) -> None:
    oracle.answers = lambda question: iter([PlatformPiece(text="Know thyself."), PlatformPiece(cut=True)])
    _, end, _ = told(router)
    assert end.finish_reason is FinishReason.LENGTH and end.usage.completion_tokens > 0 and end.usage.prompt_tokens > 0


def fails(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    raise ValueError("secret insides")


def busy(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    raise PlatformTrouble("The oracle sleeps.", retry_after=3)


def declines(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    raise PlatformDeclines("Ask at Dodona.")


def odd(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    return iter(["text"])  # type: ignore[list-item]


def hangs(question: PlatformQuestion) -> Iterator[PlatformPiece]:
    while not question.stopped():
        time.sleep(0.01)
    yield PlatformPiece(text="late")


@pytest.mark.parametrize(
    ("answers", "error", "words", "noted"),
    [
        (fails, ModelFailed, "The plugin of desk failed", 1),
        (busy, Busy, "busy", 0),
        (declines, InvalidInput, "Ask at Dodona", 0),
        (odd, ModelFailed, "The plugin of desk failed", 1),
        (hangs, ModelFailed, "sent nothing for", 0),
    ],
)
def test_one_that_fails_fails_alone_and_another_platform_answers(
    router: PlatformRouter, oracle: Oracle, answers: Answer, error: type[Exception], words: str, noted: int
) -> None:
    oracle.answers = answers
    text, _, target = told(router)
    assert (text, target) == ("Hello from the fake model", "fake@local")
    with pytest.raises(error, match=words) as refused:
        told(router, "delphi@desk")
    assert "secret" not in str(refused.value) and len(oracle.noted) == 2 * noted


def test_a_stop_reaches_the_plugin(router: PlatformRouter, oracle: Oracle) -> None:
    ended = threading.Event()

    def writes(question: PlatformQuestion) -> Iterator[PlatformPiece]:
        while not question.stopped():
            yield PlatformPiece(text="more ")
            time.sleep(0.01)
        ended.set()

    oracle.answers = writes
    running = router.start(request_of(model="delphi@desk"))
    events = running.events()
    assert isinstance(next(events), Delta)
    running.cancel()
    *_, end = events
    assert isinstance(end, Finished) and end.finish_reason is FinishReason.CANCELLED
    assert ended.wait(60)


def test_options_that_do_not_fit_are_refused_when_they_are_applied(router: PlatformRouter) -> None:
    reader = YamlConfigurationReader("platforms.yaml", {})
    for wrong, why in (("floor: high", "floor must be of the type integer"), ("floor: -1", "at least 0"), ("roof: 1", "roof is not known")):
        with pytest.raises(InvalidInput, match=why):
            router.check(reader.read(FILE.replace("floor: 3", wrong)))
    router.check(reader.read(FILE))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("  kind: oracle\n", "kind is missing"),
        ("type: plugin", "options is unknown|kind is unknown"),
        ("{llm: [delphi]}", "models for chats only"),
    ],
)
def test_a_file_that_names_no_kind_or_other_models_is_refused(wrong: str, why: str) -> None:
    instead = {"  kind: oracle\n": "", "type: plugin": "type: openai\n  base_url: http://127.0.0.1:9"}
    with pytest.raises(InvalidInput, match=why):
        YamlConfigurationReader("platforms.yaml", {}).read(FILE.replace(wrong, instead.get(wrong, "{rerank: [delphi]}")))


def test_a_plugin_that_is_turned_off_is_not_asked_any_more(router: PlatformRouter, oracle: Oracle) -> None:
    oracle.on = False
    with pytest.raises(Unavailable, match="needs a plugin with the kind oracle"):
        told(router, "delphi@desk")
    assert oracle.asked == [] and oracle.noted == []
    router.reload("desk")
    state = next(each for each in router.states() if each.name == "desk")
    assert state.condition is Condition.UNUSED
