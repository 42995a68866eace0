from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed
from core.inference.vectors import EmbeddingRequest
from core.people.records import Role
from samples.servers.models.model_server import ANSWER, ModelServer, chunk, page, stream
from tests.pages.drawn import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer(("glm-4.7",))
    yield server
    server.close()


@pytest.fixture
def cutting(server: ModelServer) -> ModelServer:
    """Return a server that breaks off each answer after its first words."""
    server.behave = stream(lambda: iter([chunk({"role": "assistant", "content": "Half a sentence"})]), ends=False)
    return server


def configured(server: ModelServer, model: str = "glm-4.7") -> str:
    return (
        f"platforms:\n- name: gateway\n  type: openai\n  base_url: {server.url}\n  models: {{llm: [{model}]}}\n"
        f"  price: {{output: 1, per: 4}}\nroutes:\n  chat: [{model}@gateway, fake@local]\n"
    )


def drawn(house: House, view: str = "overview", role: Role = Role.ADMIN) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.models import platforms

        platforms.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role)))
    test.session_state["platforms_view"] = view
    return test.run()


def texts(test: AppTest) -> str:
    assert not test.exception
    parts = [*test.markdown, *test.caption, *test.error, *test.success, *test.get("html")]
    return "\n".join(str(getattr(each, "value", "")) or each.proto.body for each in parts).replace("\\", "").replace("\u2060", "")


def test_the_page_begins_with_this_process_alone(house: House) -> None:
    seen = texts(drawn(house))
    assert "Only this portal answers so far" in seen and "local" in seen and "Healthy" in seen


def test_a_configuration_is_applied_and_a_wrong_one_is_refused_with_its_text_kept(house: House, server: ModelServer) -> None:
    test = drawn(house, "edit")
    test.text_area("platforms_text").set_value(configured(server)).run()
    test.button("platforms-apply").click().run()
    assert "Version 1 is in use." in texts(test)
    wrong = configured(server, "glm-4.8")
    test.text_area("platforms_text").set_value(wrong).run()
    test.button("platforms-apply").click().run()
    assert "**Not applied.**" in texts(test) and "has no glm-4.8" in texts(test)
    assert test.text_area("platforms_text").value == wrong
    assert house.portal.platforms.state(house.person(Role.ADMIN)).version == 1


def test_a_platform_is_tested_from_its_card(house: House, server: ModelServer) -> None:
    house.portal.platforms.apply(house.person(Role.ADMIN), configured(server))
    test = drawn(house)
    test.button("platform-test-gateway").click().run()
    assert ANSWER.replace("!", "") in texts(test) and "1.00 USD" in texts(test)
    server.behave = page(502)
    for _ in range(2):
        test.button("platform-test-gateway").click().run()
    seen = texts(test)
    assert "Not used" in seen and "gateway failed (502)." in seen and "~~glm-4.7@gateway~~" in seen


def test_the_route_of_a_question_is_shown(house: House, server: ModelServer) -> None:
    house.portal.platforms.apply(house.person(Role.ADMIN), configured(server))
    test = drawn(house)
    test.text_area("route-question").set_value("How are you?")
    test.button("route-show").click().run()
    seen = texts(test)
    assert "glm-4.7@gateway takes it" in seen and "fake@local is next" in seen
    assert server.chats == []


def test_an_earlier_version_comes_back_with_one_click(house: House, server: ModelServer) -> None:
    ada = house.person(Role.ADMIN)
    house.portal.platforms.apply(ada, configured(server))
    house.portal.platforms.apply(ada, "platforms: []\n")
    test = drawn(house, "history")
    assert "-- name: gateway" in test.code[0].value
    test.button("version-1").click().run()
    test.button("platforms-restore").click().run()
    assert "Version 3 is in use." in texts(test)
    assert house.portal.platforms.state(ada).text == configured(server)


def test_only_those_who_run_models_see_the_page(house: House) -> None:
    with pytest.raises(NotAllowed):
        house.portal.platform_monitor.states(house.person(Role.MANAGER))
    test = drawn(house, role=Role.MANAGER)
    assert test.exception


def test_the_embedding_cache_shows_how_often_it_helped_and_is_emptied(house: House) -> None:
    admin = house.person(Role.ADMIN)
    assert "Embedding cache" not in texts(drawn(house))
    for _ in range(2):
        house.portal.gateway.embed(admin, EmbeddingRequest(("one", "two"), admin.id)).result()
    test = drawn(house)
    assert "Embedding cache" in texts(test) and "50" in texts(test)
    test.button("embeddings-clear").click().run()
    assert house.portal.platform_monitor.embeddings(admin).stored == 0
    with pytest.raises(NotAllowed):
        house.portal.platform_monitor.clear_embeddings(house.person(Role.ANALYST))


def test_after_a_cut_answer_the_next_platform_is_asked_with_a_button(house: House, cutting: ModelServer) -> None:
    admin, analyst = house.person(Role.ADMIN), house.person(Role.ANALYST)
    house.portal.platforms.apply(admin, configured(cutting))
    conversation = house.ask(analyst, "Who answers?")

    def page(portal: object, user: object) -> None:
        from pages.chat import chat

        chat.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, analyst))
    test.query_params["c"] = conversation
    test.run()
    assert "Half a sentence" in texts(test) and "The answer could not be finished" in texts(test)
    next(each for each in test.button if (each.key or "").startswith("other-")).click().run()
    while (running := house.portal.turns.running(analyst, conversation)) is not None:
        running.wait_finished(5)
    shown = house.portal.conversations.transcript(analyst, conversation)[-1]
    assert shown.message.text == "Hello from the fake model" and len(shown.versions) == 2
    assert shown.message.generation is not None and shown.message.generation.platform == "local"


def test_the_form_changes_the_text_that_is_applied(house: House, server: ModelServer) -> None:
    admin = house.person(Role.ADMIN)
    house.portal.platforms.apply(admin, "# ours\n" + configured(server))
    test = drawn(house, "edit")
    test.segmented_control("platforms_edit_view").set_value("form").run()
    labelled(test, "Address").set_value("nowhere")
    test.button("form-save-gateway").click().run()
    assert not test.exception and house.portal.platforms.state(admin).version == 1
    test.button("platforms-apply").click().run()
    assert "**Not applied.**" in texts(test) and "line 5" in texts(test) and "nowhere" in texts(test)
    labelled(test, "Address").set_value(server.url)
    labelled(test, "Requests at once").set_value("3")
    test.button("form-save-gateway").click().run()
    labelled(test, "title").set_value("fake@local")
    test.button("form-save-routes").click().run()
    test.button("platforms-apply").click().run()
    assert "Version 2 is in use." in texts(test)
    text = house.portal.platforms.state(admin).text
    assert text.startswith("# ours\n") and "limits: {concurrent: 3}" in text and "title: [fake@local]" in text
    test.segmented_control("platforms_edit_view").set_value("text").run()
    assert test.text_area("platforms_text").value == text


def labelled(test: AppTest, label: str) -> Any:
    return next(each for each in test.text_input if each.label == label)
