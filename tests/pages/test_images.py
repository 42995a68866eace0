"""The page Images: an image and phrases become boxes, which are corrected, compared and shown again later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from api.portal.grounding.batches import BatchOut
from core.errors import NotAllowed
from core.grounding.records import GroundImage
from core.people.records import Permission, Role, User
from core.review.records import FeedbackFilter
from core.tasks.records import JobState
from pages.tools import images as images_page
from samples.image_files import picture, written
from samples.servers.models.detector_server import DetectorServer, detector_server
from tests.pages.drawn import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def detector(house: House) -> Iterator[DetectorServer]:
    admin = house.person(Role.ADMIN)
    with detector_server() as first:
        house.portal.platforms.apply(admin, f"platforms: [{{name: boxes, type: detector, base_url: '{first.url}'}}]")
        until = time.monotonic() + 60
        while not house.portal.grounding.grounders(admin):
            assert time.monotonic() < until, "the detector was not listed"
            time.sleep(0.02)
        yield first


def uploaded(house: House, user: User) -> GroundImage:
    return house.portal.grounding.upload(user, "street.png", written(picture(300, 200)))


def drawn(house: House, user: User, image: GroundImage | None = None, part: str = "one") -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.tools import images

        images.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, user))
    test.session_state["images-part"] = part
    if image is not None:
        test.session_state["images-image"], test.session_state["images-runs"], test.session_state["images-uploader"] = image.id, [], 0
    return test.run()


def texts(page: AppTest) -> str:
    """Return what stands on the page, without what keeps Markdown from reading it."""
    shown = [each.value for kind in ("markdown", "caption", "html") for each in page.get(kind)]
    return bare("\n".join(shown))


def bare(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


def find(page: AppTest, phrases: str) -> AppTest:
    next(each for each in page.text_area if each.label == "What to find").input(phrases)
    return page.button("images-find").click().run()


def test_without_an_image_there_is_a_place_to_drop_one(house: House) -> None:
    page = drawn(house, house.person(Role.ANALYST))
    assert not page.exception and "Then say in words what to find" in texts(page)


def test_boxes_are_found_corrected_and_sent_to_the_queue(house: House, detector: DetectorServer) -> None:
    ana = house.person(Role.ANALYST)
    image = uploaded(house, ana)
    page = find(drawn(house, ana, image), "a red car\nnothing")
    assert not page.exception and "1 box" in texts(page) and "Not found: nothing." in texts(page)
    assert "<td>a red car</td><td class='r'>90 %</td><td class='r'>10, 20</td><td class='r'>100 × 70</td>" in texts(page)
    page.button("images-add").click().run()
    assert "Correct box 2" in texts(page) and "2 boxes" in texts(page)
    next(each for each in page.text_input if each.label == "What").input("a bus").run()
    next(each for each in page.number_input if each.label == "x").set_value(5).run()
    next(each for each in page.text_input if each.label == "Comment for reviewers").input("One was missing")
    page.button("images-correct").click().run()
    assert "Saved. Reviewers see it" in texts(page)
    [run, _] = house.portal.grounding.history(ana)[0]
    assert [(box.label, round(box.left)) for box in run.shown] == [("a red car", 10), ("a bus", 5)]
    [case], _ = house.portal.feedback.find(house.person(Role.ADMIN), FeedbackFilter())
    assert (case.run_id, case.comment) == (run.id, "One was missing")
    assert "2 boxes" in texts(queue(house, house.person(Role.ADMIN))), "the reviewer sees both"


def queue(house: House, reviewer: User) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.review import cases

        cases.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(house.portal, reviewer)).run()
    assert not test.exception
    return test


def test_a_failure_and_a_missing_model_are_sentences(house: House, detector: DetectorServer) -> None:
    ana = house.person(Role.ANALYST)
    image = uploaded(house, ana)
    detector.answer = lambda _: (500, {})
    assert "boxes failed (500)." in texts(find(drawn(house, ana, image), "a car"))
    house.portal.platforms.apply(house.person(Role.ADMIN), "platforms: [{name: local}]")
    assert "No model that finds boxes is loaded." in texts(drawn(house, ana, image))


def test_earlier_runs_are_opened_and_deleted(house: House, detector: DetectorServer) -> None:
    ana = house.person(Role.ANALYST)
    assert "No searches yet" in texts(drawn(house, ana, part="history"))
    image = uploaded(house, ana)
    run = house.portal.grounding.find(ana, image.id, ["a car"])
    page = drawn(house, ana, part="history")
    assert not page.exception and "**street.png**" in bare(page.button(f"iopen-{run.id}").label)
    page.button(f"iopen-{run.id}").click().run()
    assert page.session_state["images-part"] == "one" and "1 box" in texts(page)
    page = drawn(house, ana, part="history")
    page.button(f"icon-idel-{run.id}").click().run()
    assert house.portal.grounding.history(ana) == []


def test_two_models_are_compared_on_one_image(house: House, detector: DetectorServer) -> None:
    ana, admin = house.person(Role.ANALYST), house.person(Role.ADMIN)
    with detector_server() as second:
        second.answer = lambda _: (200, {"boxes": []})
        both = (("boxes", detector), ("other", second))
        rows = ", ".join(f"{{name: {name}, type: detector, base_url: '{each.url}'}}" for name, each in both)
        house.portal.platforms.apply(admin, f"platforms: [{rows}]")
        until = time.monotonic() + 60
        while len(house.portal.grounding.grounders(ana)) < 2:
            assert time.monotonic() < until, "the second detector was not listed"
            time.sleep(0.02)
        page = drawn(house, ana, uploaded(house, ana))
        page.selectbox("images-other").set_value("finder@other").run()
        page = find(page, "a car")
    assert "finder@boxes" in texts(page) and "0 boxes" in texts(page) and "1 box" in texts(page)
    assert len([each for each in page.button if each.label == "Correct these boxes"]) == 2


def test_a_model_is_evaluated_and_its_shares_are_shown(house: House, detector: DetectorServer) -> None:
    admin, ana = house.person(Role.ADMIN), house.person(Role.ANALYST)
    page = drawn(house, admin, part="evaluation")
    assert not page.exception and "No evaluations yet" in texts(page)
    page.button("images-evaluate").click().run()
    until = time.monotonic() + 60
    while not house.portal.ground_evaluations.list(ana):
        assert time.monotonic() < until, house.portal.ground_evaluations.started(admin)
        time.sleep(0.05)
    page = drawn(house, ana, part="evaluation")
    assert not page.exception and not [each for each in page.button if each.label == "Evaluate"], "for people who run models"
    assert "<td>finder@boxes</td><td>boxes/finder/1</td>" in texts(page) and "24 labelled images" in texts(page)
    assert page.get("plotly_chart")


def test_a_group_can_withhold_the_page(house: House) -> None:
    withheld = replace(house.person(Role.ANALYST), withheld=frozenset({Permission.DETECT}))
    with pytest.raises(NotAllowed):
        images_page.render(house.portal, withheld)


def test_a_batch_says_how_many_images_failed(house: House, detector: DetectorServer) -> None:
    ana = house.person(Role.ANALYST)
    service = house.portal.ground_batches
    sent = [("street.png", written(picture(300, 200))), ("notes.png", b"no image")]
    batch = service.start(ana, "stock.zip", sent, ["a car"])[0]
    until = time.monotonic() + 60
    while (found := service.get(ana, batch.id))[2].waiting or not found[1] or found[1].state is not JobState.DONE:
        assert time.monotonic() < until, "the batch did not end"
        time.sleep(0.02)
    page = drawn(house, ana, part="batches")
    assert "Done, 1 failed" in "".join(each.label for each in page.button)
    assert BatchOut.of(found).note.startswith("1 of 2 images failed.")
