from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.chat.records import Conversation, MessageStatus, NewQuestion
from core.chat.running_turn import LiveTurn, RunningTurn, Snapshot
from core.chat.turns import TurnOptions
from core.errors import InvalidInput, ModelFailed, NotFound, Unavailable
from core.inference.requests import Delta, Finished, GenerationRequest, Queued
from core.people.records import Role, User
from core.prompts.blanks import blanks
from core.review.records import ReviewState
from pages.shell.words import catalogue
from pages.widgets.chat.empty_chat import STARTERS, TASKS
from pages.widgets.chat.flow import earlier
from pages.widgets.chat.message import plain
from samples.fakes import MODEL, FakeGeneration, answer
from tests.pages.drawn import House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def chat(house: House, conversation_id: str | None = None, user: User | None = None) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.chat import chat

        chat.render(portal, user)

    drawn = AppTest.from_function(page, default_timeout=60, args=(house.portal, user or house.person(Role.ANALYST)))
    if conversation_id:
        drawn.query_params["c"] = conversation_id
    return drawn.run()


def intend(drawn: AppTest, kind: str, **fields: object) -> AppTest:
    """Report what a component would have reported: AppTest does not run their scripts."""
    drawn.session_state["chat_intents"] = [{"kind": kind, **fields}]
    return drawn.run()


def components(drawn: AppTest, name: str) -> list[dict]:
    """Return the data of the components of this name, in their order."""
    protos = [each.proto for each in drawn.get("bidi_component")]
    return [json.loads(each.json)[0] for each in protos if each.component_name.split(".")[-1] == name]


def conversations(house: House, user: User) -> list[Conversation]:
    return house.portal.conversations.list(user)


def until_running(house: House, user: User, condition: Callable[[Snapshot], object]) -> LiveTurn:
    """Wait until the condition holds of the running answer."""
    [conversation_id] = house.portal.turns.running_conversations(user)
    running = house.portal.turns.running(user, conversation_id)
    assert running is not None
    seen = running.snapshot()
    while not condition(seen):
        assert seen.running
        seen = running.wait(seen.version, 60)
    return running


def finish(house: House, user: User, drawn: AppTest) -> AppTest:
    """Let running answers end, and draw again."""
    deadline = time.monotonic() + 60
    while house.portal.turns.running_conversations(user):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return drawn.run()


def shown(house: House, user: User) -> list[str]:
    return [each.message.text for each in house.portal.conversations.transcript(user, conversations(house, user)[0].id)]


# Asking


def test_a_question_opens_a_conversation_and_is_answered(house: House, ana: User) -> None:
    drawn = chat(house)
    assert "What are we working on?" in texts(drawn)
    drawn = finish(house, ana, drawn.chat_input[0].set_value("Where is it?").run())
    assert not drawn.exception
    assert drawn.query_params["c"] == conversations(house, ana)[0].id
    assert "Hello from the fake model" in texts(drawn)
    first, last = components(drawn, "seam")
    assert first["question"]["text"] == "Where is it?"
    assert last["bar"]["meta"] == ["fake", "5 tokens", "12 tok/s", "0.1 s to first token"]


@pytest.mark.parametrize("number", range(len(STARTERS)))
def test_a_starter_asks_the_guide_its_question(house: House, ana: User, number: int) -> None:
    house.router.available = [replace(MODEL, guide=True)]
    drawn = chat(house).button(key=f"starter-{number}").click().run()
    finish(house, ana, drawn)
    assert shown(house, ana)[0] == STARTERS[number].text


def test_a_task_goes_into_the_composer_with_its_blanks(house: House) -> None:
    drawn = chat(house)
    assert [drawn.button(key=f"starter-{n}").label.split("**")[1] for n in range(len(TASKS))] == [each.title for each in TASKS]
    assert all(blanks(each.text) and blanks(str(catalogue("zh")[each.text])) for each in TASKS)
    drawn.button(key="starter-0").click().run()
    [menu] = [each.proto for each in drawn.get("bidi_component") if each.proto.component_name.endswith("promptMenu")]
    assert json.loads(menu.json)[2][0] == TASKS[0].text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("   ", "The question is empty"),
        ("x" * 100_000, "The question has 100,000 characters"),
    ],
)
def test_a_question_that_cannot_be_asked_stays_for_correction_and_stores_nothing(house: House, ana: User, text: str, sentence: str) -> None:
    drawn = intend(chat(house), "ask", text=text, request="r1")
    assert not drawn.exception
    assert sentence in texts(drawn).replace("\\", "")
    assert drawn.chat_input[0].proto.value == text
    assert conversations(house, ana) == [] and house.router.requests == []


def test_the_second_click_of_a_double_click_asks_nothing_new(house: House, ana: User) -> None:
    drawn = chat(house)
    drawn = intend(drawn, "ask", text="Once", request="same")
    del drawn.query_params["c"]
    drawn.session_state["chat_open"] = None
    intend(drawn, "ask", text="Once", request="same")
    assert len(conversations(house, ana)) == 1
    finish(house, ana, drawn)
    assert len(house.router.requests) == 1


def test_a_question_while_an_answer_runs_waits_for_its_end_and_can_be_taken_back(house: House, ana: User) -> None:
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("First").run()
    drawn = drawn.chat_input[0].set_value("Second").run()
    assert "Next: Second" in texts(drawn).replace("\\", "")
    drawn = drawn.button(key="followup-back").click().run()
    assert "Second" not in texts(drawn)
    assert drawn.chat_input[0].proto.value == "Second"
    house.router.release()
    finish(house, ana, drawn)
    assert shown(house, ana)[0] == "First" and len(shown(house, ana)) == 2


def test_the_chosen_model_and_thinking_reach_the_request(house: House, ana: User) -> None:
    drawn = chat(house)
    drawn.toggle(key="thinking").set_value(False).run()
    drawn.session_state["chosen_model"] = "fake"
    finish(house, ana, drawn.chat_input[0].set_value("Hi").run())
    assert house.router.requests[0].model == "fake" and house.router.requests[0].thinking is False


def test_without_a_choice_the_portal_routes_the_question(house: House, ana: User) -> None:
    finish(house, ana, chat(house).chat_input[0].set_value("Hi").run())
    assert house.router.requests[0].model is None


# While it runs


@pytest.mark.parametrize("isolated", [True, False])
def test_an_answer_whose_model_is_stuck_says_so(house: House, ana: User, isolated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.widgets.chat.answers.running_answer.STUCK_AFTER_S", -1.0)
    house.router.hold()
    try:
        drawn = chat(house).chat_input[0].set_value("Are you there?").run()
        assert "is stuck" not in texts(drawn)
        house.router.available = [replace(MODEL, stuck_s=42.4, isolated=isolated)]
        shown = texts(drawn.run()).replace("\\", "")
        assert "The model fake is stuck: its step has taken 42 s." in shown
        assert ("restart automatically" in shown) is isolated
        assert ("tell an admin" in shown) is not isolated
    finally:
        house.router.release()


def test_a_running_answer_is_found_again_by_a_new_tab(house: House, ana: User) -> None:
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("Long?").run()
    house.router.release(2)
    until_running(house, ana, lambda now: "from" in now.text)
    other = chat(house, conversations(house, ana)[0].id)
    assert "Hello from ▍" in texts(other)
    assert other.button(key="stop") is not None
    house.router.release()
    assert "Hello from the fake model" in texts(finish(house, ana, other))
    assert "Hello from the fake model" in texts(drawn.run())


def test_stop_ends_the_answer_and_keeps_its_text(house: House, ana: User) -> None:
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("Long?").run()
    house.router.release(2)
    until_running(house, ana, lambda now: "from" in now.text)
    drawn = finish(house, ana, drawn.button(key="stop").click().run())
    assert house.router.generations[0].cancelled.is_set()
    assert "Hello from" in texts(drawn)
    assert components(drawn, "seam")[-1]["bar"]["mark"] == "Stopped"


def test_the_queue_position_is_shown_and_can_be_left(house: House, ana: User) -> None:
    house.router.next_answers.put([Queued(2, 4.0), *answer("Late")])
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("Wait?").run()
    house.router.release(1)
    until_running(house, ana, lambda now: now.position is not None)
    drawn = drawn.run()
    assert re.search(r"Queue position 2, about [0-4]\.\d s", texts(drawn))
    drawn = finish(house, ana, drawn.button(key="leave").click().run())
    assert components(drawn, "seam")[-1]["bar"]["mark"] == "Stopped before it began"


def test_thoughts_are_folded_and_their_time_is_shown(house: House, ana: User) -> None:
    house.router.always = answer("Yes", reasoning="Let me see")
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("Think?").run()
    house.router.release(1)
    until_running(house, ana, lambda now: now.reasoning)
    thought = components(drawn.run(), "seam")[0]["thought"]
    assert thought["text"] == "Let me see" and thought["running"] and thought["label"].startswith("Thinking, ")
    house.router.release()
    assert components(finish(house, ana, drawn), "seam")[0]["thought"]["text"] == "Let me see"
    again = components(chat(house, conversations(house, ana)[0].id), "seam")[0]["thought"]["label"]
    assert again.startswith("Thought for ") and again.endswith(" s")


# How it can end otherwise


def test_a_failed_answer_keeps_its_text_and_can_be_tried_again(house: House, ana: User) -> None:
    house.router.next_answers.put([Delta("Half ", tokens=1), ModelFailed("The model ran out of memory.")])
    drawn = finish(house, ana, chat(house).chat_input[0].set_value("Try").run())
    assert "Half" in texts(drawn) and "The answer could not be finished" in texts(drawn)
    assert "The model ran out of memory" in texts(drawn)
    again = next(each for each in drawn.button if each.label == "Try again")
    drawn = finish(house, ana, again.click().run())
    assert shown(house, ana) == ["Try", "Hello from the fake model"]
    assert components(drawn, "seam")[-1]["bar"]["versions"]["of"] == "2 of 2"


@pytest.mark.parametrize("text", ["It went on and on", ""])
def test_an_answer_in_which_the_model_lost_its_way_is_marked(house: House, ana: User, text: str) -> None:
    *said, end = answer(text)
    assert isinstance(end, Finished)
    house.router.next_answers.put([*said, replace(end, note="The answer began to repeat itself and was stopped.")])
    drawn = finish(house, ana, chat(house).chat_input[0].set_value("Go on").run())
    assert "The answer began to repeat itself and was stopped" in texts(drawn)
    assert "could not be finished" not in texts(drawn)
    assert components(drawn, "seam")[-1]["bar"]["mark"] == ""
    drawn = finish(house, ana, drawn.chat_input[0].set_value("And now?").run())
    assert texts(drawn).count("began to repeat itself") == 1


def test_an_interrupted_answer_says_so(house: House, ana: User) -> None:
    house.router.hold()
    drawn = chat(house).chat_input[0].set_value("Long?").run()
    house.router.release(2)
    running = until_running(house, ana, lambda now: "from" in now.text)
    assert isinstance(running, RunningTurn)
    running.stop(MessageStatus.INTERRUPTED)
    assert "The answer was interrupted" in texts(finish(house, ana, drawn))


def test_with_no_model_nothing_can_be_asked_and_the_page_says_so(house: House) -> None:
    house.router.available = []
    drawn = chat(house)
    assert drawn.chat_input[0].disabled and drawn.chat_input[0].placeholder == "No model is ready yet"
    assert all(drawn.button(key=f"starter-{n}").disabled for n in range(len(STARTERS)))


def test_a_model_that_does_not_think_has_no_switch_for_it(house: House) -> None:
    from dataclasses import replace

    house.router.available = [replace(MODEL, file=replace(MODEL.file, thinking=False))]
    assert [toggle.key for toggle in chat(house).toggle] == ["temporary"]


def test_an_adapter_is_asked_as_a_model_of_its_own(house: House, ana: User) -> None:
    from dataclasses import replace

    house.router.available = [replace(MODEL, adapters=("legal",))]
    drawn = chat(house)
    drawn.session_state["chosen_model"] = "fake:legal"
    finish(house, ana, drawn.chat_input[0].set_value("May I?").run())
    assert house.router.requests[-1].model == "fake:legal"


# Versions, editing, rating


def test_an_edited_question_is_a_new_version_beside_the_old_one(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "Old question")
    old = house.portal.conversations.transcript(ana, conversation_id)[0].message
    drawn = intend(chat(house, conversation_id), "edit", id=old.id, text="New question", request="r2")
    drawn = finish(house, ana, drawn)
    assert shown(house, ana)[0] == "New question"
    assert components(drawn, "seam")[0]["question"]["versions"]["of"] == "2 of 2"
    intend(drawn, "version", id=old.id)
    assert shown(house, ana)[0] == "Old question"


def test_a_thumb_and_its_form_arrive_in_the_feedback_queue(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "Question")
    reply = house.portal.conversations.transcript(ana, conversation_id)[1].message
    drawn = intend(chat(house, conversation_id), "rate", message=reply.id, rating=-1)
    assert components(drawn, "seam")[-1]["bar"]["rating"] == -1
    admin = house.person(Role.ADMIN)
    assert house.portal.feedback.counts(admin)[ReviewState.NEW] == 1
    drawn.button_group(key=f"ratereasons-{reply.id}--1").set_value(["Too long", "Unsafe"])
    drawn.text_area(key=f"ratecomment-{reply.id}--1").set_value("Far too long")
    drawn.text_area(key=f"ratebetter-{reply.id}--1").set_value("A better answer")
    drawn.button(key="ratesend").click().run()
    own = house.portal.feedback.own(ana, reply.id)
    assert own is not None
    assert (own.comment, own.details.reasons, own.details.better_answer) == ("Far too long", ("Too long", "Unsafe"), "A better answer")
    assert not any(button.key == "ratesend" for button in drawn.button)
    intend(drawn, "rating form", message=reply.id)
    assert drawn.text_area(key=f"ratecomment-{reply.id}--1").value == "Far too long"
    drawn.button(key="rateback").click().run()
    assert house.portal.feedback.counts(admin).get(ReviewState.NEW, 0) == 0


# Conversations


def test_the_list_shows_own_conversations_and_marks_the_open_and_the_running_one(house: House, ana: User) -> None:
    mine = house.ask(ana, "Mine")
    house.ask(house.person(Role.MANAGER), "Not mine")
    house.router.hold()
    other = house.portal.conversations.new(ana)
    house.portal.turns.start(ana, other.id, "Runs", TurnOptions(), "r-runs")
    (listed,) = components(chat(house, mine), "conversations")
    assert listed["open"] == mine
    rows = [row for _title, rows in listed["groups"] for row in rows]
    assert [(row["title"], row["running"]) for row in rows] == [("Runs", True), ("Mine", False)]
    house.router.release()


def test_rename_and_delete_ask_before_they_destroy(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "Question")
    drawn = intend(chat(house, conversation_id), "rename", id=conversation_id, title="Better title")
    assert conversations(house, ana)[0].title == "Better title"
    drawn = intend(drawn, "delete", id=conversation_id)
    assert "Better title" in texts(drawn) and len(conversations(house, ana)) == 1
    drawn.button(key="delete-now").click().run()
    assert conversations(house, ana) == []


def test_keeping_a_conversation_keeps_it(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "Question")
    drawn = intend(chat(house, conversation_id), "delete", id=conversation_id)
    drawn = drawn.button(key="keep").click().run()
    assert len(conversations(house, ana)) == 1 and not [each for each in drawn.button if each.key == "delete-now"]


def test_the_search_finds_words_of_the_answers(house: House, ana: User) -> None:
    house.ask(ana, "About bananas")
    house.router.always = answer("Something quite different")
    house.ask(ana, "About pears")
    while house.portal.index_worker.step():
        pass
    drawn = chat(house)
    drawn.text_input(key="convsearch").set_value("quite different").run()
    (listed,) = components(drawn, "conversations")
    assert [[title, [row["title"] for row in rows]] for title, rows in listed["groups"]] == [["Results", ["About pears"]]]


def test_somebody_elses_conversation_is_not_there(house: House) -> None:
    theirs = house.ask(house.person(Role.MANAGER), "A secret question")
    drawn = chat(house, theirs)
    assert "This chat does not exist" in texts(drawn) and not components(drawn, "seam")
    assert "secret" not in json.dumps(components(drawn, "conversations"))


def test_the_actions_of_a_person_are_carried_out_with_the_rights_of_now(house: House, ana: User) -> None:
    """A callback runs before the session is looked up again: it may note a wish and nothing more."""
    theirs = house.ask(house.person(Role.MANAGER), "Question")
    drawn = chat(house)
    intend(drawn, "delete now", ids=[theirs])
    assert len(conversations(house, house.person(Role.MANAGER))) == 1


def test_two_things_done_in_quick_succession_are_both_carried_out_also_where_one_is_refused(house: House, ana: User) -> None:
    first, second = house.ask(ana, "First"), house.ask(ana, "Second")
    drawn = chat(house)
    drawn.session_state["chat_intents"] = [
        {"kind": "rename", "id": first, "title": "Renamed"},
        {"kind": "rename", "id": "0" * 32, "title": "Nobody's"},
        {"kind": "open", "id": second},
    ]
    drawn.run()
    assert house.portal.conversations.get(ana, first).title == "Renamed" and drawn.query_params["c"] == second
    assert "This conversation does not exist" in texts(drawn)


def test_a_refusal_of_the_model_is_shown_as_the_answer_that_failed(house: House, ana: User) -> None:
    house.router.refuse.append(Unavailable("No model is loaded. An admin can load one on the Models page."))
    drawn = finish(house, ana, chat(house).chat_input[0].set_value("Anyone?").run())
    assert "No model is loaded" in texts(drawn)


# Folders


def listed(drawn: AppTest) -> dict:
    [data] = components(drawn, "conversations")
    return data


def titles(drawn: AppTest) -> list[str]:
    return [row["title"] for _day, rows in listed(drawn)["groups"] for row in rows]


def names(drawn: AppTest) -> list[str]:
    return [each["title"] for each in listed(drawn)["folders"]]


def test_without_folders_nothing_is_in_the_way_and_the_first_is_made_from_a_chats_menu(house: House, ana: User) -> None:
    house.ask(ana, "Stays")
    moved = house.ask(ana, "Moves")
    drawn = chat(house)
    assert listed(drawn)["folders"] == [] and listed(drawn)["folder"] is None
    drawn = intend(drawn, "move", id=moved)
    drawn.text_input(key="move-name").set_value("Plans")
    next(each for each in drawn.button if each.label == "Create and move").click().run()
    drawn = drawn.run()
    assert (names(drawn), titles(drawn)) == (["Plans"], ["Stays"])
    assert not [each for each in drawn.button if each.label == "Create and move"]


def test_a_taken_name_is_told_in_the_dialog_which_stays(house: House, ana: User) -> None:
    house.portal.folders.new(ana, "Plans")
    moved = house.ask(ana, "Moves")
    drawn = intend(chat(house), "move", id=moved)
    drawn = intend(drawn, "move to new", ids=[moved], name="PLANS")
    assert "You already have a folder named Plans" in texts(drawn)
    assert drawn.text_input(key="move-name") is not None
    assert (len(house.portal.folders.list(ana)), titles(drawn)) == (1, ["Moves"])


def test_a_chat_moves_by_one_click_and_out_again(house: House, ana: User) -> None:
    plans = house.portal.folders.new(ana, "Plans")
    moved = house.ask(ana, "Moves")
    drawn = intend(chat(house), "move", id=moved)
    assert not [each for each in drawn.button if each.label == "No folder"]
    drawn.button(key=f"moveto-{plans.id}").click().run()
    drawn = drawn.run()
    assert titles(drawn) == [] and house.portal.conversations.get(ana, moved).folder_id == plans.id
    drawn = intend(drawn, "move", id=moved)
    assert drawn.button(key=f"moveto-{plans.id}").disabled
    drawn.button(key="moveto-none").click().run()
    assert titles(drawn.run()) == ["Moves"]


def test_a_folder_opens_with_its_chats_and_new_ones_begin_in_it(house: House, ana: User) -> None:
    plans = house.portal.folders.new(ana, "Plans")
    house.ask(ana, "Loose")
    drawn = intend(chat(house), "folder", id=plans.id)
    assert (listed(drawn)["folder"]["title"], titles(drawn), drawn.query_params["f"]) == ("Plans", [], plans.id)
    assert listed(drawn)["none"].startswith("No chats here yet.")
    drawn = finish(house, ana, drawn.chat_input[0].set_value("Begun here").run())
    assert titles(drawn) == ["Begun here"] and "f" not in drawn.query_params
    drawn = drawn.button(key="new").click().run()
    assert drawn.query_params["f"] == plans.id and "c" not in drawn.query_params
    drawn = intend(drawn, "folder", id="")
    assert (listed(drawn)["folder"], titles(drawn)) == (None, ["Loose"]) and not drawn.query_params


def test_the_address_of_a_chat_leads_to_its_folder_and_the_way_back_leaves_it_open(house: House, ana: User) -> None:
    plans = house.portal.folders.new(ana, "Plans")
    inside = house.portal.conversations.new(ana, "Inside", plans.id).id
    house.portal.conversations.new(ana, "Loose")
    drawn = chat(house, inside)
    assert (listed(drawn)["folder"]["id"], listed(drawn)["open"], titles(drawn)) == (plans.id, inside, ["Inside"])
    drawn = intend(drawn, "folder", id="")
    assert (listed(drawn)["open"], titles(drawn), drawn.query_params["c"]) == (inside, ["Loose"], inside)
    assert [each["marked"] for each in listed(drawn)["folders"]] == [True]


def test_a_bare_address_leaves_the_folder(house: House, ana: User) -> None:
    """The browser's Back button goes there."""
    plans = house.portal.folders.new(ana, "Plans")
    house.portal.conversations.new(ana, "Loose")
    drawn = intend(chat(house), "folder", id=plans.id)
    del drawn.query_params["f"]
    assert titles(drawn.run()) == ["Loose"]


def test_the_search_finds_chats_in_all_folders_and_names_them(house: House, ana: User) -> None:
    plans, other = house.portal.folders.new(ana, "Plans"), house.portal.folders.new(ana, "Other")
    house.portal.conversations.new(ana, "Bond one", plans.id)
    house.portal.conversations.new(ana, "Bond two")
    while house.portal.index_worker.step():
        pass
    drawn = intend(chat(house), "folder", id=other.id)
    drawn.text_input(key="convsearch").set_value("bond").run()
    [[_found, rows]] = listed(drawn)["groups"]
    assert sorted((row["title"], row["folder"]) for row in rows) == [("Bond one", "Plans"), ("Bond two", "")]
    assert listed(drawn)["folder"] is None and names(drawn) == []


def test_deleting_a_folder_asks_first_and_its_chats_stay(house: House, ana: User) -> None:
    plans = house.portal.folders.new(ana, "Plans")
    house.portal.conversations.new(ana, "Inside", plans.id)
    drawn = intend(intend(chat(house), "folder", id=plans.id), "delete folder", id=plans.id)
    assert "Its chats stay, without a folder" in texts(drawn) and len(house.portal.folders.list(ana)) == 1
    drawn.button(key="delete-now").click().run()
    drawn = drawn.run()
    assert (listed(drawn)["folder"], names(drawn), titles(drawn)) == (None, [], ["Inside"])


def test_a_folder_is_made_and_renamed_from_the_list(house: House, ana: User) -> None:
    drawn = intend(chat(house), "new folder", title="Plans")
    [plans] = house.portal.folders.list(ana)
    drawn = intend(drawn, "rename folder", id=plans.id, title="Better plans")
    assert names(drawn) == ["Better plans"]
    drawn = intend(drawn, "new folder", title="better PLANS")
    assert "You already have a folder named Better plans" in texts(drawn) and names(drawn) == ["Better plans"]


def test_the_name_of_a_folder_is_shown_as_it_is_written(house: House, ana: User) -> None:
    name = "![x](http://example.com/a.png) **b** :red[c]"
    odd = house.portal.folders.new(ana, name)
    drawn = intend(chat(house), "folder", id=odd.id)
    assert listed(drawn)["folder"]["title"] == name
    assert not drawn.exception and "![x]" not in drawn.button(key="new").help + texts(drawn)
    drawn = intend(drawn, "delete folder", id=odd.id)
    assert "![x]" not in texts(drawn) and "**b**" not in texts(drawn)
    drawn = intend(intend(chat(house), "move", id=house.ask(ana, "Moves")), "folder", id="")
    assert drawn.button(key=f"moveto-{odd.id}").label.startswith("\\!")


def test_somebody_elses_folder_is_not_listed_or_filled(house: House, ana: User) -> None:
    theirs = house.portal.folders.new(house.person(Role.MANAGER), "A secret plan")
    house.portal.conversations.new(house.person(Role.MANAGER), "A secret chat", theirs.id)
    mine = house.ask(ana, "Mine")
    drawn = chat(house)
    drawn.query_params["f"] = theirs.id
    drawn = drawn.run()
    assert (listed(drawn)["folder"], titles(drawn)) == (None, ["Mine"]) and "f" not in drawn.query_params
    drawn = intend(drawn, "move now", ids=[mine], folder=theirs.id)
    assert "This folder does not exist" in texts(drawn)
    intend(drawn, "delete folder now", id=theirs.id)
    assert len(house.portal.folders.list(house.person(Role.MANAGER))) == 1
    assert "secret" not in json.dumps(components(intend(drawn, "folder", id=theirs.id), "conversations"))


# Arriving at a message


def arriving(house: House, conversation_id: str, message_id: str) -> AppTest:
    drawn = chat(house, conversation_id)
    drawn.query_params["m"] = message_id
    return drawn.run()


def test_an_address_with_a_message_shows_its_branch_and_where_it_stands(house: House, ana: User) -> None:
    chat_id = house.ask(ana, "First")
    question, first = (each.message for each in house.portal.conversations.transcript(ana, chat_id))
    house.settle(ana, house.portal.turns.regenerate(ana, first.id, TurnOptions(), "again").id)
    assert house.portal.conversations.transcript(ana, chat_id)[-1].message.id != first.id
    drawn = arriving(house, chat_id, first.id)
    assert not drawn.exception
    assert house.portal.conversations.transcript(ana, chat_id)[-1].message.id == first.id
    [data] = components(drawn, "follow")
    assert (data["arrival"]["answer"], data["arrival"]["question"]) == (first.id, False)
    drawn.query_params["m"] = question.id
    [data] = components(drawn.run(), "follow")
    assert (data["arrival"]["answer"], data["arrival"]["question"]) == (first.id, True)
    # The next drawing arrives nowhere anew, and a version chosen since stays.
    second = next(each for each in house.portal.conversations.transcript(ana, chat_id)[-1].versions if each != first.id)
    house.portal.conversations.show_version(ana, chat_id, second)
    drawn.run()
    assert house.portal.conversations.transcript(ana, chat_id)[-1].message.id == second


def test_an_address_with_somebody_elses_or_no_message_says_so(house: House, ana: User) -> None:
    manager = house.person(Role.MANAGER)
    theirs = house.ask(manager, "A secret of theirs")
    secret = house.portal.conversations.transcript(manager, theirs)[0].message.id
    own = house.ask(ana, "Mine")
    drawn = arriving(house, own, secret)
    assert not drawn.exception and "This message is not in this conversation" in texts(drawn)
    assert "secret" not in texts(drawn)
    drawn = arriving(house, theirs, secret)
    assert "This chat does not exist" in texts(drawn) and "secret" not in texts(drawn)


def test_the_built_in_guide_is_called_what_it_is(house: House) -> None:
    house.router.available = [replace(MODEL, guide=True)]
    drawn = chat(house)
    assert drawn.menu_button(key="modelpick").options == [plain("Built-in guide, only knows this portal")]


def test_a_chat_says_when_the_model_that_answered_it_is_not_there(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "hello")
    said = "The last answer came from fake, which is no longer loaded."
    assert said not in texts(chat(house, conversation_id))
    house.router.available = [replace(MODEL, name="other")]
    assert f"{said} other answers now." in texts(chat(house, conversation_id))
    house.router.available = [replace(MODEL, name="guide", guide=True)]
    assert f"{said} The built-in guide answers now; it only knows this portal." in texts(chat(house, conversation_id))
    assert said not in texts(chat(house))


# What was refused, and what was deleted


def test_a_refusal_goes_with_the_chat_it_was_shown_in_and_can_be_dismissed(house: House, ana: User) -> None:
    first = house.ask(ana, "First")
    drawn = intend(chat(house, first), "rename", id="0" * 32, title="Nobody's")
    assert "This conversation does not exist" in texts(drawn)
    assert "This conversation does not exist" in texts(drawn.run())
    dismissed = drawn.button(key="icon-problem").click().run()
    assert "This conversation does not exist" not in texts(dismissed)
    drawn = intend(drawn, "rename", id="0" * 32, title="Nobody's")
    drawn = drawn.button(key="new").click().run()
    assert "This conversation does not exist" not in texts(drawn)


def test_a_deleted_chat_is_gone_from_the_list_and_comes_back_when_that_is_undone(house: House, ana: User) -> None:
    conversation_id = house.ask(ana, "Dear chat")
    drawn = intend(chat(house, conversation_id), "delete now", ids=[conversation_id])
    assert titles(drawn) == [] and "c" not in drawn.query_params
    [bar] = components(drawn, "undo")
    assert bar["id"] == conversation_id
    drawn = intend(drawn, "restore", id=conversation_id)
    assert titles(drawn) == ["Dear chat"] and drawn.query_params["c"] == conversation_id
    assert not components(drawn, "undo")


def test_a_failed_answer_offers_to_try_again_once(house: House, ana: User) -> None:
    house.router.always = [Unavailable("The model went away.")]
    drawn = chat(house, house.ask(ana, "Question"))
    assert [button.label for button in drawn.button if button.label == "Try again"] == ["Try again"]
    assert [each["bar"]["free"] for each in components(drawn, "seam") if "bar" in each] == [False]


def test_a_file_for_the_guide_is_refused_and_stays_with_the_question(house: House, ana: User) -> None:
    house.router.available = [replace(MODEL, guide=True)]
    file = house.portal.files.upload(ana, "ledger.csv", b"a,b\n1,2")
    conversation = house.portal.conversations.new(ana)
    with pytest.raises(InvalidInput, match="cannot answer from tables"):
        house.portal.turns.start(ana, conversation.id, "What is in it?", TurnOptions(), "r-guide", files=[file.id])
    assert house.portal.conversations.transcript(ana, conversation.id) == []
    house.router.available = [MODEL]
    turn = house.portal.turns.start(ana, conversation.id, "What is in it?", TurnOptions(), "r-guide", files=[file.id])
    house.settle(ana, turn.id)
    answer_id = house.portal.conversations.transcript(ana, conversation.id)[-1].message.id
    house.router.available = [replace(MODEL, guide=True)]
    with pytest.raises(InvalidInput, match="cannot answer from tables"):
        house.portal.turns.regenerate(ana, answer_id, TurnOptions(), "r-again")
    with pytest.raises(InvalidInput, match="cannot answer from tables"):
        house.portal.turns.start(ana, conversation.id, "And the sum?", TurnOptions(), "r-later")


def test_every_button_has_a_name_and_every_file_a_chance_to_be_refused_in_words(house: House, ana: User) -> None:
    drawn = chat(house, house.ask(ana, "Question"))
    assert all(button.label for button in drawn.button)
    assert not drawn.chat_input[0].proto.file_type


def test_a_temporary_chat_is_answered_and_gone_when_it_is_left(house: House, ana: User) -> None:
    drawn = chat(house)
    drawn.toggle(key="temporary").set_value(True).run()
    drawn = intend(drawn, "ask", text="Between us?", files=[], request="t1")
    chat_id = drawn.session_state["chat_temporary_id"]
    deadline = time.monotonic() + 60
    while house.portal.temporary.count():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    drawn = drawn.run()
    assert "Hello from the fake model" in str(texts(drawn)) and "c" not in drawn.query_params
    assert conversations(house, ana) == []
    assert components(drawn, "seam")[-1]["bar"]["rated"] is False
    drawn = intend(drawn, "open", id=None)
    drawn = drawn.run()
    with pytest.raises(NotFound):
        house.portal.temporary.transcript(ana, chat_id)
    assert not drawn.toggle(key="temporary").value


def test_a_temporary_chat_can_be_kept_and_is_a_chat_like_others_then(house: House, ana: User) -> None:
    drawn = chat(house)
    drawn.toggle(key="temporary").set_value(True).run()
    drawn = intend(drawn, "ask", text="Between us?", files=[], request="t1")
    temporary = drawn.session_state["chat_temporary_id"]
    deadline = time.monotonic() + 60
    while house.portal.temporary.count():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    drawn = drawn.run().button(key="temporary-keep").click().run()
    assert not drawn.exception
    [kept] = conversations(house, ana)
    assert drawn.query_params["c"] == kept.id and kept.title == "Between us?"
    assert shown(house, ana) == ["Between us?", "Hello from the fake model"]
    with pytest.raises(NotFound):
        house.portal.temporary.transcript(ana, temporary)


def test_a_question_survives_a_run_that_another_click_ends(house: House, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    start, calls = house.portal.turns.start, []

    def interrupted(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            st.rerun()
        return start(*arguments, **named)

    monkeypatch.setattr(house.portal.turns, "start", interrupted)
    finish(house, ana, intend(chat(house), "ask", text="One?", files=[], request="r1"))
    [conversation] = conversations(house, ana)
    assert shown(house, ana) == ["One?", "Hello from the fake model"] and conversation.title == "One?" and len(calls) == 2


def test_a_temporary_chat_takes_no_files(house: House, ana: User) -> None:
    drawn = chat(house)
    drawn.toggle(key="temporary").set_value(True).run()
    drawn = intend(drawn, "ask", text="Read this", files=["a file"], request="t1")
    assert "A temporary chat cannot read files" in str(texts(drawn))
    assert house.router.requests == []


def test_a_stopped_answer_is_continued(house: House, ana: User) -> None:
    house.router.hold()
    conversation_id = house.portal.conversations.new(ana).id
    turn = house.portal.turns.start(ana, conversation_id, "Count", TurnOptions(), "r1")
    house.router.release(1)
    deadline = time.monotonic() + 60
    while not (running := house.portal.turns.find(ana, turn.id)) or not running.snapshot().text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    house.portal.turns.stop(ana, conversation_id)
    house.settle(ana, turn.id)
    house.router.release()
    drawn = chat(house, conversation_id)
    assert components(drawn, "seam")[-1]["bar"]["goesOn"] is True
    drawn = finish(house, ana, intend(drawn, "go on", message=turn.answer_id, request="r2"))
    assert "Hello" in shown(house, ana)[-1] and components(drawn, "seam")[-1]["bar"]["goesOn"] is False
    assert house.router.requests[-1].continued


# Instructions


def test_a_quiet_line_says_which_instructions_apply_and_switches_them_off(house: House, ana: User) -> None:
    assert "Use instructions in this chat" not in [each.label for each in chat(house).toggle]
    house.portal.instructions.set_own(ana, "Answer briefly.\n# In short paragraphs.")
    conversation = house.ask(ana, "Hello?")
    drawn = chat(house, conversation)
    assert [each.label for each in drawn.expander if each.label == "Your instructions apply"]
    assert dict(components(drawn, "seam")[-1]["bar"]["details"])["Instructions"].startswith("yours of ")
    switch = next(each for each in drawn.toggle if each.label == "Use instructions in this chat")
    drawn = switch.set_value(False).run()
    assert not drawn.exception and not house.portal.conversations.get(ana, conversation).uses_instructions
    assert [each.label for each in drawn.expander if each.label == "Instructions are left out"]


def test_a_new_chat_can_leave_instructions_out_before_its_first_question(house: House, ana: User) -> None:
    house.portal.instructions.set_own(ana, "Answer briefly.")
    drawn = chat(house)
    next(each for each in drawn.toggle if each.label == "Use instructions in this chat").set_value(False).run()
    drawn = finish(house, ana, drawn.chat_input[0].set_value("Where is it?").run())
    assert not drawn.exception and not conversations(house, ana)[0].uses_instructions
    assert house.router.requests[-1].messages[0].role == "user"


# What the model reads


def long_chat(house: House, ana: User) -> str:
    """Return a chat whose first turns are summarized for the model."""
    house.router.available = [replace(MODEL, context=512)]
    conversation = house.ask(ana, "The first question. " * 12)
    for number in range(3):
        house.ask(ana, f"Question {number}. " * 12, conversation)
    return conversation


def test_a_long_chat_shows_what_is_summarized_and_lets_it_be_edited(house: House, ana: User) -> None:
    conversation = long_chat(house, ana)
    drawn = chat(house, conversation)
    [line] = [each.label for each in drawn.expander if "summarized for the model" in each.label]
    assert line.startswith("Turns 1 to ")
    assert dict(components(drawn, "seam")[-1]["bar"]["details"])["Summarized"].startswith("Turns 1 to ")
    drawn = next(each for each in drawn.button if each.label == "Edit summary").click().run()
    next(each for each in drawn.text_area).set_value("They asked often.").run()
    drawn = next(each for each in drawn.button if each.label == "Save summary").click().run()
    summary = house.portal.context.summary(ana, conversation)
    assert not drawn.exception and summary is not None and summary.text == "They asked often."


def meters(drawn: AppTest) -> list[str]:
    labels = [each.proto.popover.label for each in drawn.get("popover")]
    return [label for label in labels if label.endswith(" of 4,096")]


def test_the_meter_shows_how_full_the_context_is_from_the_first_turn_on(house: House, ana: User) -> None:
    assert meters(chat(house)) == [], "nothing fills it yet"
    house.portal.instructions.set_own(ana, "Answer briefly.")
    [before] = meters(chat(house))
    assert not before.startswith("0 "), "instructions count before the first question"
    conversation = house.ask(ana, "Hello?")
    [after] = meters(chat(house, conversation))
    assert after == "10 of 4,096", "what the last prompt and its answer took"
    house.router.available[0] = replace(house.router.available[0], context=8)
    drawn = chat(house, conversation)
    assert not drawn.exception and "Too long for this model" in [each.proto.popover.label for each in drawn.get("popover")]


def test_an_answer_is_pinned_from_its_foot(house: House, ana: User) -> None:
    conversation = house.ask(ana, "Hello?")
    drawn = chat(house, conversation)
    bar = components(drawn, "seam")[-1]["bar"]
    assert bar["pinned"] is False
    drawn = intend(drawn, "pin", message=bar["id"], pinned=True)
    assert not drawn.exception and components(drawn, "seam")[-1]["bar"]["pinned"] is True


def test_models_answer_side_by_side_until_a_vote_chooses_one(house: House, ana: User) -> None:
    house.router.available.append(replace(house.router.available[0], name="other"))
    drawn = chat(house)
    drawn.session_state["chat_lanes"] = ["fake", "other"]
    drawn = intend(drawn, "ask", text="Which?", request="r1")
    while house.portal.turns.count():
        time.sleep(0.01)
    drawn = drawn.run()
    assert not drawn.exception
    assert sorted(str(each.model) for each in house.router.requests) == ["fake", "other"]
    assert [each.label for each in drawn.button if str(each.key).startswith("vote-")] == [
        "Left is better", "Right is better", "Alike", "Both poor",
    ]  # fmt: skip
    drawn = drawn.button(key="vote-1").click().run()
    assert not drawn.exception
    assert not [each for each in drawn.button if str(each.key).startswith("vote-")]
    [talk] = conversations(house, ana)
    assert house.portal.conversations.transcript(ana, talk.id)[-1].message.rating == 1


def test_choosing_several_models_is_said_at_once_by_the_composer(house: House, ana: User) -> None:
    house.router.available.append(replace(house.router.available[0], name="other"))
    drawn = chat(house)
    assert drawn.chat_input[0].placeholder == "Ask anything" and "modelpick" in {each.key for each in drawn.get("menu_button")}
    drawn = drawn.multiselect(key="lane-models").set_value(["fake", "other"]).run()
    assert not drawn.exception and drawn.chat_input[0].placeholder == "Ask 2 models"
    drawn = drawn.multiselect(key="lane-models").set_value([]).run()
    assert drawn.chat_input[0].placeholder == "Ask anything"


# Side by side


def test_separate_threads_are_drawn_round_by_round_and_the_next_question_goes_to_the_same_models(house: House, ana: User) -> None:
    conversation = house.portal.conversations.new(ana).id
    both = [TurnOptions("fake", own_thread=True), TurnOptions("fake", thinking=False, own_thread=True)]
    for number, words in enumerate(("Yes", "No")):
        house.router.next_answers.put(answer(words))
        house.router.next_answers.put(answer(words))
        new = NewQuestion(conversation_id=conversation, text=f"Round {number}?", options=both, request_id=f"r{number}")
        house.portal.side_by_side.ask(ana, new)
        finish(house, ana, chat(house))
    drawn = chat(house, conversation, user=ana)
    assert any("Separate threads" in each.value for each in drawn.caption)
    assert [each.value for each in drawn.markdown].count("Yes") == [each.value for each in drawn.markdown].count("No") == 2
    house.router.next_answers.put(answer("Third"))
    house.router.next_answers.put(answer("Third"))
    finish(house, ana, intend(drawn, "ask", text="Round 2?", request="r2"))
    rounds = house.portal.side_by_side.rounds(ana, conversation)
    assert [each.separate for each in rounds] == [True, True, True]
    assert rounds[-1].lanes[0].model == "fake"


def test_a_diagram_in_any_column_is_drawn(house: House, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, one_at_a_time = house.router.start, threading.Lock()

    def start(request: GenerationRequest) -> FakeGeneration:
        with one_at_a_time:
            house.router.next_answers.put(answer("In words" if request.thinking else "```mermaid\nflowchart LR\n A --> B\n```"))
            return ask(request)

    monkeypatch.setattr(house.router, "start", start)
    conversation = house.portal.conversations.new(ana).id
    both = [TurnOptions("fake"), TurnOptions("fake", thinking=False)]
    house.portal.side_by_side.ask(ana, NewQuestion(conversation_id=conversation, text="Draw it", options=both, request_id="r1"))
    finish(house, ana, chat(house))
    assert house.portal.conversations.transcript(ana, conversation)[-1].message.text == "In words"
    assert components(chat(house, conversation, user=ana), "diagrams")


# Long chats


def test_a_long_chat_shows_its_last_messages_and_earlier_ones_on_demand_or_by_a_link(
    house: House, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier, "LATEST", 2)
    conversation = house.portal.conversations.new(ana).id
    for number in range(3):
        house.router.next_answers.put(answer(f"Answer {number}"))
        house.portal.turns.start(ana, conversation, f"Question {number}", TurnOptions(), f"r{number}")
        drawn = finish(house, ana, chat(house))

    def answers(drawn: AppTest) -> list[str]:
        return [each.value for each in drawn.markdown if each.value.startswith("Answer")]

    drawn = chat(house, conversation, user=ana)
    assert answers(drawn) == ["Answer 2"]
    drawn.button(key="earlier-more").click().run()
    assert answers(drawn) == ["Answer 0", "Answer 1", "Answer 2"]
    assert "earlier-more" not in {each.key for each in drawn.button}
    linked = chat(house, conversation, user=ana)
    linked.query_params["m"] = house.portal.conversations.transcript(ana, conversation)[3].message.id
    assert answers(linked.run()) == ["Answer 1", "Answer 2"]
