"""Routes over real servers and a local model: who answers, who takes over, and what is reported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from core.errors import Busy, InvalidInput, ModelFailed, NotFound, PromptTooLong, Unavailable
from core.inference.ports import RunningGeneration
from core.inference.records import FinishReason, Task
from core.inference.requests import (
    ChatMessage,
    ChatRole,
    Delta,
    Finished,
    GenerationEvent,
    GenerationRequest,
    ImageInput,
    Queued,
    Tool,
)  # fmt: skip
from core.inference.vectors import EmbeddingRequest, RerankRequest
from core.models.records import ModelKind
from models.platforms.configuration.reader import YamlConfigurationReader
from models.platforms.remote.wires.ollama_wire import messages as ollama_messages
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import FakeRouter
from samples.servers.models import model_server as ms
from samples.servers.models.model_server import ANSWER, ModelServer
from tests.unit.models.platforms.remote.conftest import request_of

LOCAL_ANSWER = "Hello from the fake model"


class House:
    """A router with a local model called fake, and servers by name."""

    def __init__(self) -> None:
        self.local = FakeRouter()
        self.router = PlatformRouter(self.local)
        self.servers: dict[str, ModelServer] = {}

    def server(self, name: str, *models: str) -> ModelServer:
        self.servers[name] = ModelServer(models or ("glm", "bge-m3", "bge-reranker"))
        return self.servers[name]

    def configure(self, routes: str = "", **more: str) -> None:
        """more: further lines of a platform, by its name."""
        all_of_it = "models: {llm: [glm], embedding: [bge-m3], rerank: [bge-reranker]}"
        rows = "".join(
            f"- name: {name}\n  type: openai\n  base_url: {server.url}\n"
            + "".join(f"  {line}\n" for line in more.get(name, all_of_it).split("\n"))
            for name, server in self.servers.items()
        )
        text = f"platforms:\n{rows}" + (f"routes:\n{routes}" if routes else "")
        self.router.configure(YamlConfigurationReader("platforms.yaml", {}).read(text))

    def close(self) -> None:
        self.router.close()
        for server in self.servers.values():
            server.close()


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


def read(running: RunningGeneration) -> tuple[str, Finished, list[GenerationEvent]]:
    events = list(running.events())
    assert isinstance(events[-1], Finished)
    return "".join(each.text for each in events if isinstance(each, Delta)), events[-1], events


def ask(house: House, **fields: object) -> tuple[str, str, list[str]]:
    """(text, who answered, why not the others)."""
    running = house.router.start(request_of(**fields))  # type: ignore[arg-type]
    text, _, _ = read(running)
    assert running.routing is not None
    return text, running.routing.target, [str(each) for each in running.routing.left_out]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


# Who answers


def test_without_platforms_everything_stays_as_it_was(house: House) -> None:
    running = house.router.start(request_of(model="fake@local"))
    assert read(running)[0] == LOCAL_ANSWER and running.routing is None
    assert house.local.requests[0].model == "fake"
    assert house.router.models() == house.local.models()


def test_a_model_of_a_platform_answers_by_its_name(house: House) -> None:
    server = house.server("gateway")
    house.configure()
    assert ask(house, model="glm") == (ANSWER, "glm@gateway", [])
    assert ask(house, model="fake") == (LOCAL_ANSWER, "fake@local", [])
    assert len(server.chats) == 1


def test_a_name_with_a_platform_means_that_platform_alone(house: House) -> None:
    one, two = house.server("one"), house.server("two")
    house.configure()
    for _ in range(3):
        assert ask(house, model="glm@two")[1] == "glm@two"
    assert (len(one.chats), len(two.chats)) == (0, 3)
    two.behave = ms.page(500)
    with pytest.raises(ModelFailed, match=r"two failed \(500\)"):
        ask(house, model="glm@two")


def test_a_route_chooses_where_no_model_is_named(house: House) -> None:
    house.server("gateway")
    house.configure("  chat: [glm@gateway, fake@local]\n  title: [fake@local]\n")
    assert ask(house)[1] == "glm@gateway"
    assert ask(house, task=Task.TITLE)[1] == "fake@local"
    assert ask(house, task=Task.SUMMARIZE)[1] == "glm@gateway"


def test_without_a_route_the_local_default_answers(house: House) -> None:
    house.server("gateway")
    house.configure()
    assert ask(house)[:2] == (LOCAL_ANSWER, "fake@local")


def test_a_route_looks_at_group_size_and_tools(house: House) -> None:
    house.server("big")
    house.server("small")
    house.configure(
        "  chat:\n  - {to: glm@big, groups: [legal]}\n  - {to: glm@small, up_to_tokens: 50}\n  - fake@local\n  tools: [glm@big]\n"
    )
    assert ask(house, group="legal")[1] == "glm@big"
    assert ask(house, group="sales")[1:] == ("glm@small", ["glm@big: for other groups."])
    _, place, why = ask(house, text="word " * 200)
    assert place == "fake@local" and why[-1] == "glm@small: for prompts up to 50 tokens."
    assert ask(house, tools=(Tool("weather"),))[1] == "glm@big"


def test_abilities_of_a_platform_s_model_are_looked_at(house: House) -> None:
    house.server("gateway")
    house.configure("  chat: [glm@gateway, fake@local]\n", gateway="models: {llm: [{name: glm, tools: false, vision: false}]}")
    assert ask(house, tools=(Tool("weather"),))[1:] == ("fake@local", ["glm@gateway: it cannot call tools."])
    assert ask(house, task=Task.VISION)[1:] == ("fake@local", ["glm@gateway: it cannot see images."])


def test_a_prompt_that_is_too_long_goes_to_a_larger_window(house: House) -> None:
    house.server("gateway")
    house.configure("  chat: [glm@gateway, fake@local]\n", gateway="models: {llm: [{name: glm, context: 100}]}")
    _, place, why = ask(house, text="word " * 500)
    assert place == "fake@local" and "its limit is 100" in why[0]
    with pytest.raises(PromptTooLong) as refused:
        ask(house, model="glm@gateway", text="word " * 500)
    assert refused.value.limit == 100


def test_a_model_that_the_person_may_not_use_takes_nobody_s_place(house: House) -> None:
    house.server("gateway")
    house.configure("  chat: [glm@gateway, fake@local]\n")
    house.servers["gateway"].behave = ms.page(500)
    with pytest.raises(ModelFailed):
        ask(house, denied_models=frozenset({"fake"}))
    assert not house.local.requests


def test_a_name_that_nobody_has_is_answered_with_those_that_there_are(house: House) -> None:
    house.server("gateway")
    house.configure()
    with pytest.raises(NotFound, match=r"There is no model glm-9\. Choose one of: fake, glm"):
        ask(house, model="glm-9")


def test_a_platform_that_is_switched_off_is_not_asked(house: House) -> None:
    server = house.server("gateway")
    house.server("other")
    house.configure("  chat: [glm@gateway, fake@local]\n", gateway="enabled: false\nmodels: {llm: [glm]}")
    assert ask(house)[1:] == ("fake@local", ["glm@gateway: gateway is switched off."])
    assert server.asked == []


# Balance


def test_instances_are_balanced_by_outstanding_tokens(house: House) -> None:
    one, two = house.server("one"), house.server("two")
    house.configure()
    gate = threading.Event()
    one.behave = two.behave = ms.held(gate)
    threads = [threading.Thread(target=ask, args=(house,), kwargs={"model": "glm"}) for _ in range(6)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: len(one.chats) + len(two.chats) == number)  # type: ignore[misc]
    gate.set()
    for thread in threads:
        thread.join()
    assert (len(one.chats), len(two.chats)) == (3, 3)


def test_instances_with_nothing_to_do_take_turns(house: House) -> None:
    for name in ("one", "two", "three"):
        house.server(name)
    house.configure()
    assert {tuple(ask(house, model="glm")[1] for _ in range(3)) for _ in range(3)} == {("glm@one", "glm@two", "glm@three")}


def test_a_conversation_stays_where_its_prefix_is_while_that_is_healthy(house: House) -> None:
    one, two = house.server("one"), house.server("two")
    house.configure()
    places = {ask(house, model="glm", conversation_id="c")[1] for _ in range(4)}
    assert len(places) == 1
    home = one if places == {"glm@one"} else two
    home.behave = ms.page(500)
    other = ask(house, model="glm", conversation_id="c")[1]
    home.behave = ms.stream(ms.fine)
    assert {other} != places and ask(house, model="glm", conversation_id="c")[1] == other


# Failover


@pytest.mark.parametrize("wrong", [
    ms.page(502), ms.page(200), ms.refusing(429, {}, Retry_After="9"), ms.refusing(401, {}), ms.refusing(404, {}),
    ms.stream(lambda: iter([ms.chunk({"role": "assistant"})]), ends=False),
])  # fmt: skip
def test_before_the_first_token_the_next_one_takes_over(house: House, wrong: ms.Behaviour) -> None:
    house.server("one").behave = wrong
    house.server("two")
    house.configure("  chat: [glm@one, glm@two, fake@local]\n")
    text, place, why = ask(house)
    assert (text, place) == (ANSWER, "glm@two") and len(why) == 1 and why[0].startswith("one ")


def test_remote_remote_local(house: House) -> None:
    house.server("one").close()
    house.server("two").behave = ms.page(500)
    house.configure("  chat: [glm@one, glm@two, fake@local]\n")
    text, place, why = ask(house)
    assert (text, place) == (LOCAL_ANSWER, "fake@local")
    assert [each.split()[0] for each in why] == ["one", "two"] or why[0].startswith("glm@one: one could not be reached")


def test_a_named_model_is_followed_by_what_its_route_has_after_it(house: House) -> None:
    house.server("one").behave = ms.page(500)
    house.configure("  chat: [glm@one, fake@local]\n")
    assert ask(house, model="glm")[1] == "fake@local"


def test_after_the_first_token_the_answer_ends_honestly(house: House) -> None:
    house.server("one").behave = ms.stream(lambda: iter([ms.chunk({"content": "Good"})]), ends=False)
    two = house.server("two")
    house.configure("  chat: [glm@one, glm@two]\n")
    got: list[str] = []
    running = house.router.start(request_of())
    with pytest.raises(ModelFailed, match=r"one stopped in the middle of the answer\. The text so far is kept\."):
        for event in running.events():
            got.append(event.text if isinstance(event, Delta) else "")
    assert "".join(got) == "Good" and two.chats == []


def test_two_failures_open_the_circuit_and_a_probe_closes_it(house: House) -> None:
    one = house.server("one")
    one.behave = ms.page(500)
    house.configure("  chat: [glm@one, fake@local]\n")
    ask(house)
    ask(house)
    asked = len(one.chats)
    _, place, why = ask(house)
    assert place == "fake@local" and why == ["glm@one: one failed 2 times, circuit open."]
    assert len(one.chats) == asked
    one.behave = ms.stream(ms.fine)
    until(lambda: ask(house)[1] == "glm@one")


def test_all_platforms_down_but_local_every_chat_is_answered_locally(house: House) -> None:
    for name in ("one", "two"):
        house.server(name).close()
    house.configure("  chat: [glm@one, glm@two, fake@local]\n")
    answers = [ask(house) for _ in range(20)]
    assert {(text, place) for text, place, _ in answers} == {(LOCAL_ANSWER, "fake@local")}
    assert all(why for _, _, why in answers)


def test_everything_down_is_said(house: House) -> None:
    house.server("one").close()
    house.configure("  chat: [glm@one]\n")
    until(lambda: not house.router.view.members["one"].health.usable or _fails(house))
    with pytest.raises(Unavailable, match="one"):
        ask(house)


def _fails(house: House) -> bool:
    with pytest.raises(Unavailable):
        ask(house)
    return False


def test_retry_after_is_respected_and_passed_on(house: House) -> None:
    one = house.server("one")
    one.behave = ms.refusing(429, {}, Retry_After="9")
    house.configure("  chat: [glm@one]\n")
    with pytest.raises(Busy):
        ask(house)
    asked = len(one.chats)
    with pytest.raises(Busy) as refused:
        ask(house)
    assert 5 < refused.value.retry_after <= 9 and len(one.chats) == asked


def test_a_busy_local_model_gives_way(house: House) -> None:
    house.server("one")
    house.configure("  chat: [fake@local, glm@one]\n")
    house.local.refuse.append(Busy("All slots are busy.", retry_after=3))
    assert ask(house)[1:] == ("glm@one", ["All slots are busy."])


def test_a_question_is_refused_early_only_where_no_other_server_may_have_room(house: House) -> None:
    house.local.full = Busy("All slots are busy.", retry_after=3)
    with pytest.raises(Busy):
        house.router.check_room("ann")
    house.server("one")
    house.configure("  chat: [fake@local, glm@one]\n")
    house.router.check_room("ann")


# Lines and limits


def test_no_more_than_the_limit_run_at_once_and_the_others_are_told_their_position(house: House) -> None:
    one = house.server("one")
    gate = threading.Event()
    one.behave = ms.held(gate)
    house.configure("  chat: [glm@one]\n", one="models: {llm: [glm]}\nlimits: {concurrent: 2}")
    line = house.router.view.members["one"].line
    events: list[GenerationEvent] = []

    def run() -> None:
        events.extend(house.router.start(request_of()).events())

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: line.waiting == 4 and len(one.chats) == 2)
    gate.set()
    for thread in threads:
        thread.join()
    assert one.most_running == 2 and sum(isinstance(each, Finished) for each in events) == 6
    assert {1, 2, 3} & {each.position for each in events if isinstance(each, Queued)}
    assert house.router.view.members["one"].outstanding == 0 and line.busy == 0


def test_requests_per_minute_are_limited_and_go_elsewhere(house: House) -> None:
    one = house.server("one")
    house.configure("  chat: [glm@one, fake@local]\n", one="models: {llm: [glm]}\nlimits: {requests_per_minute: 2}")
    assert [ask(house)[1] for _ in range(3)] == ["glm@one", "glm@one", "fake@local"]
    assert len(one.chats) == 2


def test_waiting_in_line_can_be_cancelled(house: House) -> None:
    one = house.server("one")
    one.behave = ms.slow(5)
    house.configure("  chat: [glm@one]\n", one="models: {llm: [glm]}\nlimits: {concurrent: 1}")
    first = house.router.start(request_of())
    thread = threading.Thread(target=lambda: list(first.events()))
    thread.start()
    until(lambda: len(one.chats) == 1)
    second = house.router.start(request_of())
    threading.Timer(0.2, second.cancel).start()
    assert read(second)[1].finish_reason is FinishReason.CANCELLED
    first.cancel()
    thread.join()
    assert len(one.chats) == 1


# What is listed, cost, vectors


def test_models_are_listed_once_with_owner_and_platforms(house: House) -> None:
    house.server("one")
    house.server("two", "fake", "glm")
    house.configure("  chat: [glm@one, fake@local]\n", two="models: {llm: [fake, {name: glm, context: 9000}]}")
    until(lambda: all(each.remote is not None and each.remote.models.listed is not None for each in house.router.view.remote))
    listed = {each.name: each for each in house.router.models()}
    assert (house.router.models()[0].name, house.router.models()[0].default) == ("glm", True)
    assert listed["glm"].owner == "one, two" and listed["glm"].targets == ("glm@one", "glm@two") and listed["glm"].context == 4096
    assert listed["fake"].owner == "portal" and listed["fake"].names == ("fake", "fake@local", "fake@two")
    assert listed["bge-m3"].kind is ModelKind.EMBEDDING


def test_the_default_follows_what_the_route_takes_now(house: House) -> None:
    house.server("one").behave = ms.page(500)
    house.configure("  chat: [glm@one, fake@local]\n")
    assert house.router.models()[0].name == "glm"
    ask(house)
    ask(house)
    assert house.router.models()[0].name == "fake"


def test_an_answer_has_its_price(house: House) -> None:
    house.server("one")
    house.configure("  chat: [glm@one]\n", one="models: {llm: [glm]}\nprice: {input: 2, cached: 1, output: 5, per: 10}")
    running = house.router.start(request_of())
    read(running)
    # 11 tokens read, 3 of them cached, 4 written.
    assert running.routing is not None and running.routing.cost == (8 * 2 + 3 * 1 + 4 * 5) / 10


def test_vectors_go_by_route_and_fail_over_to_the_local_model(house: House) -> None:
    one = house.server("one")
    house.configure("  embed: [bge-m3@one, fake-vectors@local]\n")
    running = house.router.embed(EmbeddingRequest(("a", "b"), "ann"))
    assert len(running.result().rows) == 2 and (running.platform, running.model) == ("one", "bge-m3")
    ranked = house.router.rerank(RerankRequest("a", ("a", "b"), "ann", model="bge-reranker"))
    assert len(ranked.result().rows) == 2 and ranked.platform == "one"
    vectors = replace(house.local.models()[0], name="fake-vectors", kind=ModelKind.EMBEDDING)
    before = house.local.models
    house.local.models = lambda: [*before(), vectors]  # type: ignore[method-assign]
    one.close()
    running = house.router.embed(EmbeddingRequest(("a", "b"), "ann"))
    assert len(running.result().rows) == 2 and running.platform == "local"
    assert running.routing is not None and running.routing.left_out


def test_tokens_of_a_model_elsewhere_are_not_known_here(house: House) -> None:
    house.server("one")
    house.configure()
    with pytest.raises(InvalidInput, match="runs on another server"):
        house.router.prompt_tokens(request_of(model="glm"))
    assert house.router.prompt_tokens(request_of(model="fake@local")).model == "fake"


# Edits


def test_a_name_that_a_platform_has_not_is_refused_by_a_check(house: House) -> None:
    house.server("one", "glm-4.7")
    config = YamlConfigurationReader("platforms.yaml", {}).read(
        f"platforms:\n- name: one\n  type: openai\n  base_url: {house.servers['one'].url}\n  models:\n    llm:\n    - glm-4.8\n"
    )
    with pytest.raises(InvalidInput, match=r"Line 7: one has no glm-4\.8\. It has glm-4\.7\."):
        house.router.check(config)
    house.servers["one"].close()
    house.router.check(config)


def test_an_edit_elsewhere_leaves_a_platform_its_health(house: House) -> None:
    house.server("one").behave = ms.page(500)
    house.configure("  chat: [glm@one, fake@local]\n")
    ask(house)
    ask(house)
    one = house.router.view.members["one"]
    house.server("two")
    house.configure("  chat: [glm@one, glm@two]\n")
    assert house.router.view.members["one"] is one and not one.health.usable


def test_edits_under_load_fail_nobody(house: House) -> None:
    house.server("one")
    house.server("two")
    house.configure("  chat: [glm@one, glm@two]\n")
    done, failed, answered = threading.Event(), [], []

    def run() -> None:
        while not done.is_set():
            try:
                answered.append(ask(house)[0])
            except Exception as problem:  # noqa: BLE001 - counted
                failed.append(problem)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        order = "glm@one, glm@two" if number % 2 else "glm@two, glm@one"
        limit = f"models: {{llm: [glm]}}\nlimits: {{concurrent: {5 + number % 3}}}"
        house.configure(f"  chat: [{order}]\n", one=limit)
    done.set()
    for thread in threads:
        thread.join()
    assert failed == [] and answered and set(answered) == {ANSWER}


IMAGE = ImageInput(b"\x89PNG", media_type="image/png", sha256="0", width=56, height=28)


def test_images_go_as_data_uris_to_a_model_that_sees_and_to_no_other(house: House) -> None:
    server = house.server("gateway")
    house.configure("  vision: [fake@local, glm@gateway]\n", gateway="models: {llm: [{name: glm, vision: true}]}")
    request = GenerationRequest((ChatMessage(ChatRole.USER, "What?", images=(IMAGE,) * 2),), "ann", task=Task.VISION)
    running = house.router.start(request)
    assert read(running)[0] == ANSWER
    assert running.routing is not None and [str(each) for each in running.routing.left_out] == ["fake@local: it cannot see images."]
    [body] = server.chats
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    assert body["messages"][0]["content"] == [part, part, {"type": "text", "text": "What?"}]


def test_ollama_gets_images_beside_the_text() -> None:
    request = GenerationRequest((ChatMessage(ChatRole.USER, "What?", images=(IMAGE,)),), "ann")
    assert ollama_messages(request)[0] == {"role": "user", "content": "What?", "images": ["iVBORw=="]}
