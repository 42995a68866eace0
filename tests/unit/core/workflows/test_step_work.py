"""Steps that search the person's chats and that find boxes, up to the rows that later steps read."""

from __future__ import annotations

import io

from PIL import Image

from core.people.records import Role, User
from core.search.records import MARK_END, MARK_START, DocumentKind, SearchHit
from core.tasks.worker import JobWorker
from core.workflows.records import RunState, StepState
from core.workflows.results import ResultFormat
from tests.store import things
from tests.unit.core.workflows.conftest import House, step

BOX = (10.0, 20.0, 110.0, 90.0)


def talk(house: House, owner: User, text: str, title: str = "Rates") -> SearchHit:
    """Store a question of somebody, and have the index find it."""
    chat = things.conversation(owner, title)
    asked = things.question(chat, text)
    with house.unit_of_work() as work:
        work.conversations.add(chat)
        work.messages.add(asked)
        work.commit()
    hit = SearchHit(DocumentKind.MESSAGE, asked.id, chat.id, f"{MARK_START}Hedge{MARK_END} {text}", things.NOW)
    house.index.hits.append(hit)
    return hit


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(out, "PNG")
    return out.getvalue()


def test_a_search_gives_rows_that_the_next_steps_query_and_write_about(house: House, at_work: JobWorker) -> None:
    talk(house, house.user, "the bonds", title="=Rates, \"old\"")
    talk(house, house.user, "the swaps")
    count = 'SELECT "chat", count(*) AS "n" FROM "s1" GROUP BY 1 ORDER BY 1'
    task = house.order(step("s1", "search", "hedge"), step("s2", "query", count, "s1"), step("s3", "write", "Sum it up.", "s1"))
    house.says("Two chats are about hedges.")
    run, results = house.run(task)
    assert run.state is RunState.DONE, run.error
    rows = results["s1"].output.rows
    assert rows is not None and [each.name for each in rows.columns] == ["chat", "author", "text", "at"] and not rows.more
    at = f"{things.NOW:%Y-%m-%d %H:%M:%S}"
    assert set(rows.rows) == {('=Rates, "old"', "user", "Hedge the bonds", at), ("Rates", "user", "Hedge the swaps", at)}
    assert results["s1"].asked == "hedge" and house.index.asked[-1].text == "hedge" and house.index.asked[-1].owner_id == house.user.id
    counted = results["s2"].output.rows
    assert counted is not None and counted.rows == (('=Rates, "old"', 1), ("Rates", 1))
    assert "Hedge the bonds" in results["s3"].asked and MARK_START not in results["s3"].asked
    table = house.results.export(house.user, run.id, ResultFormat.CSV).content.decode("utf-8-sig")
    assert "'=Rates" in table, "a spreadsheet would run it as a formula"


def test_a_search_finds_no_chat_of_somebody_else_and_says_when_there_are_more(house: House, at_work: JobWorker) -> None:
    bob = things.user("bob", Role.ANALYST)
    with house.unit_of_work() as work:
        work.users.add(bob, "x")
        work.commit()
    talk(house, bob, "secret")
    run, results = house.run(house.order(step("s1", "search", "hedge")))
    rows = results["s1"].output.rows
    assert run.state is RunState.DONE and rows is not None and rows.rows == ()
    house.index.hits.clear()
    for number in range(51):
        talk(house, house.user, f"number {number}")
    _, results = house.run(house.order(step("s1", "search", "hedge")))
    rows = results["s1"].output.rows
    assert rows is not None and len(rows.rows) == 50 and rows.more


def test_boxes_are_found_on_an_image_and_are_rows_too(house: House, at_work: JobWorker) -> None:
    house.detectors.answers["finder"] = BOX
    image = house.upload("desk.png", picture())
    wide = 'SELECT "phrase", "right" - "left" AS "width" FROM "s1" ORDER BY 1'
    task = house.order(step("s1", "boxes", "a red car\n\n the door ", "file1"), step("s2", "query", wide, "s1"), files=[image.id])
    run, results = house.run(task)
    assert run.state is RunState.DONE, run.error
    output = results["s1"].output
    assert [(each.phrase, each.edges, each.confidence) for each in output.boxes] == [(0, BOX, 0.75), (1, BOX, 0.75)]
    assert output.image == image.id and results["s1"].model == "finder" and results["s1"].asked == "a red car\nthe door"
    assert output.rows is not None and output.rows.rows[0] == ("a red car", "a red car", *BOX, 0.75)
    widths = results["s2"].output.rows
    assert widths is not None and widths.rows == (("a red car", 100), ("the door", 100))
    assert house.detectors.asked[0].phrases == ("a red car", "the door") and house.detectors.asked[0].batch
    again = house.order(step("s1", "boxes", "a red car", "file1"), files=[house.upload("again.png", picture()).id])
    assert house.run(again)[0].state is RunState.DONE and len(house.detectors.asked) == 1, "the result of an image is kept"
    assert "a red car" in house.results.export(house.user, run.id, ResultFormat.MARKDOWN).content.decode()


def test_boxes_of_nothing_are_no_rows_and_without_a_detector_the_step_says_so(house: House, at_work: JobWorker) -> None:
    image = house.upload("desk.png", picture())
    task = house.order(step("s1", "boxes", "a cat", "file1"), step("s2", "write", "Say what is there.", "s1"), files=[image.id])
    run, results = house.run(task)
    assert run.state is RunState.FAILED and results["s1"].state is StepState.FAILED and "finds boxes" in str(run.error)
    house.detectors.answers["finder"] = None
    house.says("Nothing is there.")
    run, results = house.run(task)
    assert run.state is RunState.DONE, run.error
    rows = results["s1"].output.rows
    assert results["s1"].output.boxes == () and rows is not None and rows.rows == ()
