from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from core.errors import Busy, ModelFailed, Unavailable
from core.inference.requests import Delta, Queued
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import FakeRouter, answer

SignIn = Callable[[str], httpx.Client]
NOBODYS = "0" * 32


def new(client: httpx.Client, title: str = "") -> str:
    return client.post("/api/v1/conversations", json={"title": title}).json()["id"]


def ask(client: httpx.Client, conversation: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": "What is GLM?", **body})


def events_of(response: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for block in response.read().decode().split("\n\n"):
        if block.startswith("event: "):
            head, data = block.split("\n", 1)
            found.append((head.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_a_conversation_is_made_read_renamed_listed_and_deleted(ann: httpx.Client) -> None:
    made = ann.post("/api/v1/conversations", json={"title": "Plans"})
    assert made.status_code == 201
    here = f"/api/v1/conversations/{made.json()['id']}"
    assert ann.get(here).json() == made.json()
    assert ann.patch(here, json={"title": "Better plans"}).json()["title"] == "Better plans"
    assert [each["title"] for each in ann.get("/api/v1/conversations").json()["items"]] == ["Better plans"]
    assert ann.delete(here).status_code == 204
    assert ann.get(here).status_code == 404


def test_a_conversation_needs_no_body(ann: httpx.Client) -> None:
    assert ann.post("/api/v1/conversations").status_code == 201


def test_the_list_is_read_page_by_page(ann: httpx.Client) -> None:
    for n in range(5):
        new(ann, f"c{n}")
    seen: list[str] = []
    before = None
    while True:
        page = ann.get("/api/v1/conversations", params={"limit": 2, **({"before": before} if before else {})}).json()
        seen += [each["title"] for each in page["items"]]
        before = page["next_before"]
        if before is None:
            break
    assert seen == ["c4", "c3", "c2", "c1", "c0"]


def test_the_list_is_searched(ann: httpx.Client, portal: Portal) -> None:
    new(ann, "Quarterly revenue")
    new(ann, "Holiday plans")
    assert portal.index_worker.drain(5)
    found = ann.get("/api/v1/conversations", params={"q": "revenue"}).json()["items"]
    assert [each["title"] for each in found] == ["Quarterly revenue"]


def test_a_question_answers_the_stored_turn(ann: httpx.Client, router: FakeRouter) -> None:
    conversation = new(ann)
    turn = ask(ann, conversation, request_id="r1", temperature=0.5, top_k=3, stop=["END"], seed=7, max_tokens=9, thinking=False).json()
    assert turn["status"] == "done"
    assert turn["request_id"] == "r1"
    assert turn["question"]["text"] == "What is GLM?"
    assert turn["answer"]["text"] == "Hello from the fake model"
    assert turn["answer"]["generation"]["finish_reason"] == "stop"
    assert turn["answer"]["generation"]["ttft_s"] is not None and turn["answer"]["generation"]["steps"] == 0
    request = router.requests[0]
    assert (request.params.temperature, request.params.top_k, request.params.stop, request.params.seed) == (0.5, 3, ("END",), 7)
    assert request.params.max_tokens == 9
    assert request.thinking is False
    shown = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"]
    assert [each["author"] for each in shown] == ["user", "assistant"]
    assert shown[1]["id"] == turn["answer"]["id"]
    assert shown[1]["versions"] == [turn["answer"]["id"]]


def test_the_same_request_id_is_the_same_turn(ann: httpx.Client, router: FakeRouter) -> None:
    conversation = new(ann)
    first, second = ask(ann, conversation, request_id="again").json(), ask(ann, conversation, request_id="again").json()
    assert first == second
    assert len(router.requests) == 1


def test_the_same_request_at_the_same_moment_is_one_turn_with_its_answer_for_both(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    conversation = new(ann)
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(ann, conversation, request_id="both").json())) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: bool(router.requests))
    router.release()
    for thread in threads:
        thread.join()
    assert len(router.requests) == 1
    assert {each["answer"]["text"] for each in answers} == {"Hello from the fake model"}


def test_a_stream_tells_the_turn_the_queue_the_deltas_and_the_end(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    router.always = [Queued(2, 1.5), *answer("one two three", reasoning="hm")]
    with ann.stream("POST", f"/api/v1/conversations/{new(ann)}/messages", json={"text": "Count", "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = response.iter_text()
        assert next(blocks).startswith("event: turn")
        router.release(1)
        assert next(blocks) == 'event: queued\ndata: {"place":2,"wait_s":1.5}\n\n'
        router.release(1)
        assert next(blocks) == 'event: delta\ndata: {"text":"","reasoning":"hm"}\n\n'
        router.release()
        rest = "".join(blocks)
    deltas = [json.loads(line.removeprefix("data: "))["text"] for line in rest.split("\n") if '"reasoning":""}' in line]
    assert "".join(deltas) == "one two three"
    done = json.loads(rest.split("event: done\ndata: ")[1])
    assert done["status"] == "done"
    assert done["answer"]["text"] == "one two three"
    assert done["answer"]["reasoning"] == "hm"


def test_a_client_that_goes_away_does_not_end_the_answer(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    conversation = new(ann)
    body = {"text": "Go on", "stream": True, "request_id": "left"}
    with ann.stream("POST", f"/api/v1/conversations/{conversation}/messages", json=body) as response:
        assert next(response.iter_text()).startswith("event: turn")
        router.release(1)
    until(lambda: bool(router.generations))
    router.release()
    found = events_of(ann.post(f"/api/v1/conversations/{conversation}/messages", json=body))
    assert [name for name, _ in found][0::len(found) - 1] == ["turn", "done"]
    assert found[-1][1]["answer"]["text"] == "Hello from the fake model"
    assert not router.generations[0].cancelled.is_set()
    assert len(router.requests) == 1


def test_a_finished_turn_can_be_streamed_again(ann: httpx.Client) -> None:
    conversation = new(ann)
    ask(ann, conversation, request_id="old")
    found = events_of(ask(ann, conversation, request_id="old", stream=True))
    assert [name for name, _ in found] == ["turn", "delta", "done"]
    assert found[1][1]["text"] == "Hello from the fake model"


def test_stop_ends_the_answer_and_keeps_its_text(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    conversation = new(ann)
    turns: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: turns.append(ask(ann, conversation).json()))
    thread.start()
    until(lambda: bool(router.generations))
    router.release(2)
    until(lambda: ann.get(f"/api/v1/conversations/{conversation}/messages").status_code == 200 and router.generations[0].given == 2)
    assert ann.post(f"/api/v1/conversations/{conversation}/stop").json() == {"stopped": True}
    thread.join()
    assert turns[0]["status"] == "stopped"
    assert turns[0]["answer"]["text"] == "Hello from "
    assert ann.post(f"/api/v1/conversations/{conversation}/stop").json() == {"stopped": False}


def test_a_second_question_and_a_delete_wait_for_the_running_answer(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    conversation = new(ann)
    thread = threading.Thread(target=ask, args=(ann, conversation))
    thread.start()
    until(lambda: bool(router.generations))
    assert ask(ann, conversation, text="And?").status_code == 409
    assert ann.delete(f"/api/v1/conversations/{conversation}").status_code == 409
    router.release()
    thread.join()
    assert ann.delete(f"/api/v1/conversations/{conversation}").status_code == 204


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_fails_is_a_stored_turn_with_its_error(ann: httpx.Client, router: FakeRouter, stream: bool) -> None:
    router.always = [Delta("Half", tokens=1), ModelFailed("The model stopped.")]
    response = ask(ann, new(ann), stream=stream)
    turn = events_of(response)[-1][1] if stream else response.json()
    assert turn["status"] == "failed"
    assert turn["answer"]["text"] == "Half"
    assert turn["answer"]["error"] == "The model stopped."


def test_a_busy_model_fails_the_turn_with_its_sentence(ann: httpx.Client, router: FakeRouter) -> None:
    router.refuse.append(Busy("All places are taken. Try again in a moment.", retry_after=3))
    turn = ask(ann, new(ann)).json()
    assert turn["status"] == "failed"
    assert turn["answer"]["error"].startswith("All places are taken")


def test_regenerating_keeps_both_versions(ann: httpx.Client, router: FakeRouter) -> None:
    conversation = new(ann)
    first = ask(ann, conversation).json()
    router.always = answer("Another answer")
    again = ann.post(f"/api/v1/messages/{first['answer']['id']}/regenerate")
    assert again.json()["answer"]["text"] == "Another answer"
    assert again.json()["question"]["id"] == first["question"]["id"]
    shown = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"][-1]
    assert (shown["version"], shown["text"]) == (2, "Another answer")
    assert shown["versions"] == [first["answer"]["id"], again.json()["answer"]["id"]]


def test_a_question_is_asked_in_another_version_and_each_version_can_be_shown_again(ann: httpx.Client, router: FakeRouter) -> None:
    conversation = new(ann)
    first = ask(ann, conversation).json()
    ask(ann, conversation)
    router.always = answer("Another answer")
    second = ask(ann, conversation, text="Better asked", replaces_id=first["question"]["id"]).json()

    def shown() -> list[tuple[str, int]]:
        items = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"]
        return [(each["text"], each["version"]) for each in items]

    assert shown() == [("Better asked", 2), ("Another answer", 1)]
    back = ann.put(f"/api/v1/messages/{first['question']['id']}/shown").json()["items"]
    assert len(back) == 4 and back[0]["versions"] == [first["question"]["id"], second["question"]["id"]]
    assert [(each["text"], each["version"]) for each in back] == shown()
    assert ask(ann, conversation, replaces_id=first["answer"]["id"]).status_code == 404, "an answer is no question"
    assert ask(ann, new(ann), replaces_id=first["question"]["id"]).status_code == 404, "it is in another conversation"


def test_a_question_cannot_be_regenerated(ann: httpx.Client) -> None:
    turn = ask(ann, new(ann)).json()
    assert ann.post(f"/api/v1/messages/{turn['question']['id']}/regenerate").status_code == 404


def test_what_belongs_to_somebody_else_is_not_found(signed_in: SignIn) -> None:
    ann, bob, ada = signed_in("ann"), signed_in("bob"), signed_in("ada")
    conversation = new(ann, "Private")
    answer_id = ask(ann, conversation).json()["answer"]["id"]
    for other in (bob, ada):
        here = f"/api/v1/conversations/{conversation}"
        nowhere = f"/api/v1/conversations/{NOBODYS}"
        tries = [
            (other.get(here), other.get(nowhere)),
            (other.patch(here, json={"title": "Mine"}), other.patch(nowhere, json={"title": "Mine"})),
            (other.delete(here), other.delete(nowhere)),
            (other.get(f"{here}/messages"), other.get(f"{nowhere}/messages")),
            (ask(other, conversation), ask(other, NOBODYS)),
            (other.post(f"{here}/stop"), other.post(f"{nowhere}/stop")),
        ]
        for theirs, nobodys in tries:
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json() == nobodys.json()
        assert other.post(f"/api/v1/messages/{answer_id}/regenerate").status_code == 404
        assert other.put(f"/api/v1/messages/{answer_id}/feedback", json={"rating": 1}).status_code == 404
        assert other.get("/api/v1/conversations").json()["items"] == []
    assert ann.get(f"/api/v1/conversations/{conversation}").json()["title"] == "Private"


def test_one_persons_request_id_does_not_find_anothers_turn(signed_in: SignIn) -> None:
    ann, bob = signed_in("ann"), signed_in("bob")
    first = ask(ann, new(ann), request_id="same").json()
    second = ask(bob, new(bob), request_id="same").json()
    assert first["id"] != second["id"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/conversations/{id}/messages"])
def test_a_silent_stream_is_kept_open(ann: httpx.Client, router: FakeRouter, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    for module in ("answering.answers", "portal.chat.turn_stream"):
        monkeypatch.setattr(f"api.{module}.KEEP_ALIVE_S", 0.05)
    router.hold()
    body = {"messages": [{"role": "user", "content": "x"}]} if path.startswith("/v1") else {"text": "x"}
    with ann.stream("POST", path.replace("{id}", new(ann)), json={**body, "stream": True}) as response:
        blocks = response.iter_text()
        next(blocks)
        assert [next(blocks), next(blocks)] == [": waiting\n\n", ": waiting\n\n"]
        router.release()
        assert "Hello" in "".join(blocks)


def test_a_model_name_with_control_characters_is_refused_before_anything_is_stored(ann: httpx.Client) -> None:
    conversation = new(ann)
    assert ask(ann, conversation, model="a\0b").status_code == 422
    assert ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"] == []


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_the_store_cannot_take_reaches_its_program_at_once(
    ann: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """It is saved once there is space; who asked does not wait for that."""
    conversation = new(ann)
    save = SqlUnitOfWork.commit
    full = threading.Event()

    def commit(work: SqlUnitOfWork) -> None:
        if full.is_set() and threading.current_thread().name.startswith("turn-"):
            raise Unavailable("The database's disk is full or failing. Nothing was saved; ask an admin to free space.")
        save(work)

    monkeypatch.setattr(SqlUnitOfWork, "commit", commit)
    full.set()
    answered = ask(ann, conversation, stream=stream)
    done = dict(events_of(answered))["done"] if stream else answered.json()
    assert (done["status"], done["answer"]["text"]) == ("failed", "Hello from the fake model")
    assert "database's disk is full" in done["answer"]["error"]
    full.clear()
    until(lambda: portal.turns.count() == 0)
    [_, saved] = ann.get(f"/api/v1/conversations/{conversation}/messages").json()["items"]
    assert (saved["status"], saved["text"]) == ("done", "Hello from the fake model")


def test_conversations_are_pinned_archived_and_read(ann: httpx.Client) -> None:
    first, second = new(ann, "one"), new(ann, "two")
    here = f"/api/v1/conversations/{first}"
    assert ann.patch(here, json={"pinned": True}).json()["pinned"] is True
    assert [each["id"] for each in ann.get("/api/v1/conversations?pinned=true").json()["items"]] == [first]
    assert [each["id"] for each in ann.get("/api/v1/conversations?pinned=false").json()["items"]] == [second]
    changed = ann.patch(here, json={"archived": True}).json()
    assert (changed["archived"], changed["pinned"]) == (True, False)
    assert [each["id"] for each in ann.get("/api/v1/conversations").json()["items"]] == [second]
    assert [each["id"] for each in ann.get("/api/v1/conversations?archived=true").json()["items"]] == [first]
    ask(ann, second)
    assert ann.get(f"/api/v1/conversations/{second}").json()["unread"] is True
    assert ann.patch(f"/api/v1/conversations/{second}", json={"unread": False}).json()["unread"] is False


def test_several_conversations_are_deleted_at_once(ann: httpx.Client, signed_in: SignIn) -> None:
    mine, theirs = [new(ann), new(ann)], new(signed_in("bob"))
    assert ann.post("/api/v1/conversations/delete", json={"ids": [*mine, theirs]}).status_code == 404
    assert ann.post("/api/v1/conversations/delete", json={"ids": mine}).json() == {"deleted": 2}
    assert ann.get("/api/v1/conversations").json()["items"] == []
    assert ann.post("/api/v1/conversations/delete", json={"ids": []}).status_code == 422


def test_conversations_are_exported_as_files(ann: httpx.Client, signed_in: SignIn) -> None:
    first, second, theirs = new(ann, "计划"), new(ann, "two"), new(signed_in("bob"))
    ask(ann, first)
    one = ann.get("/api/v1/conversations/export", params={"id": first, "format": "markdown"})
    assert one.status_code == 200 and one.headers["content-type"].startswith("text/markdown") and "What is GLM?" in one.text
    assert one.headers["content-disposition"] == "attachment; filename*=UTF-8''%E8%AE%A1%E5%88%92.md"
    both = ann.get("/api/v1/conversations/export", params={"id": [first, second], "format": "json"})
    assert both.headers["content-type"] == "application/zip"
    assert ann.get("/api/v1/conversations/export", params={"id": theirs}).status_code == 404
    assert ann.get("/api/v1/conversations/export").status_code == 422
