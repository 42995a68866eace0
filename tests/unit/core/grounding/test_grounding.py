"""Upload, find, correct, export: who may, what is stored, what is reused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from core.errors import Busy, Conflict, InvalidInput, ModelFailed, NotAllowed, NotFound, Unavailable
from core.grounding.corrections import MAX_BOXES, BoxCorrections
from core.grounding.exports.box_exports import BoxExports
from core.grounding.exports.exports import ExportFormat
from core.grounding.grounding import Grounding
from core.grounding.phrases import MAX_CHARS, MAX_PHRASES, checked_phrases
from core.grounding.records import Box, GroundImage
from core.operations.records import LegalHold
from core.people.audit_records import AuditFilter
from core.people.records import Permission, User
from core.review.records import FeedbackFilter, ReviewState
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter, answer
from tests.unit.core.conftest import MovingClock
from tests.unit.core.grounding.conftest import PNG, FakeDetectors

WHOLE = (20.0, 40.0, 220.0, 180.0)
"""BOX in pixels of the upright original, which is twice as large as the decoded image."""


def uploaded(grounding: Grounding, user: User, content: bytes = PNG) -> GroundImage:
    return grounding.upload(user, "C:\\photos\\street.png", content)


def test_boxes_come_back_in_the_pixels_of_the_upright_original(grounding: Grounding, detectors: FakeDetectors, ana: User) -> None:
    image = uploaded(grounding, ana)
    assert (image.name, image.width, image.height) == ("street.png", 300, 400)
    run = grounding.find(ana, image.id, ["a  car", "", "a dog", "a car"], session="tab-1")
    assert (run.phrases, run.session, run.cached, run.model, run.error) == (("a car", "a dog"), "tab-1", False, "finder", None)
    assert run.boxes == (Box(*WHOLE, "a car", 0.75, 0), Box(*WHOLE, "a dog", 0.75, 1))
    [asked] = detectors.asked
    assert (asked.image, asked.width, asked.height, asked.phrases) == (PNG, 150, 200, ("a car", "a dog"))
    assert grounding.get(ana, run.id) == (run, image) and grounding.history(ana) == [(run, image)]
    assert grounding.image(ana, image.id) == (image, [run])


def test_the_same_image_phrase_and_model_are_asked_once(grounding: Grounding, detectors: FakeDetectors, ana: User, bo: User) -> None:
    image = uploaded(grounding, ana)
    assert uploaded(grounding, ana) == image
    grounding.find(ana, image.id, ["a car"])
    both = grounding.find(ana, image.id, ["a dog", "a car"])
    assert not both.cached and [each.phrases for each in detectors.asked] == [("a car",), ("a dog",)]
    assert [(box.phrase, box.label) for box in both.boxes] == [(0, "a dog"), (1, "a car")]
    again = grounding.find(bo, uploaded(grounding, bo).id, ["a car"])
    assert again.cached and len(detectors.asked) == 2
    detectors.versions["finder"] = "2"
    assert not grounding.find(ana, image.id, ["a car"]).cached
    assert not grounding.find(ana, image.id, ["a car"], refresh=True).cached
    assert not grounding.find(ana, uploaded(grounding, ana, PNG + b"other").id, ["a car"]).cached
    assert len(detectors.asked) == 5


def test_the_next_one_answers_if_the_first_fails(
    grounding: Grounding, corrections: BoxCorrections, detectors: FakeDetectors, ana: User, clock: MovingClock
) -> None:
    image = uploaded(grounding, ana)
    detectors.answers = {"first": ModelFailed("first failed."), "second": (0, 0, 10, 10)}
    assert grounding.find(ana, image.id, ["a car"]).model == "second"
    clock.forward(seconds=1)
    detectors.answers["second"] = Busy("second is busy.", retry_after=3)
    with pytest.raises(Busy):
        grounding.find(ana, image.id, ["a cat"])
    failed, _ = grounding.history(ana)[0]
    assert str(failed.error) == "second is busy." and failed.boxes == ()
    with pytest.raises(Conflict, match="This run failed"):
        corrections.correct(ana, failed.id, [])


def test_without_anybody_the_sentence_says_what_to_do(grounding: Grounding, detectors: FakeDetectors, ana: User) -> None:
    image = uploaded(grounding, ana)
    with pytest.raises(NotFound, match="no model other that finds boxes"):
        grounding.find(ana, image.id, ["a car"], "other")
    detectors.answers = {}
    with pytest.raises(Unavailable, match="Ask an admin to add a detector"):
        grounding.find(ana, image.id, ["a car"])


def test_a_chat_model_is_asked_for_one_phrase_after_the_other(
    grounding: Grounding, detectors: FakeDetectors, router: FakeRouter, ana: User, unit_of_work: UnitOfWorkFactory
) -> None:
    detectors.answers, detectors.chats = {}, ("fake",)
    router.available = [replace(MODEL, vision=True)]
    router.always = answer("<|begin_of_box|>[[100,200, 300,400]]<|end_of_box|>")
    run = grounding.find(ana, uploaded(grounding, ana).id, ["a car", "a dog"])
    assert [(box.edges, box.label, box.confidence, box.phrase) for box in run.boxes] == [
        ((30, 80, 90, 160), "a car", None, 0),
        ((30, 80, 90, 160), "a dog", None, 1),
    ]
    assert [each.messages[-1].content for each in router.requests] == [
        f"Help me to locate {phrase} in the image and give me its bounding boxes." for phrase in ("a car", "a dog")
    ]
    assert [(image.width, image.height) for each in router.requests for image in each.images] == [(140, 196)] * 2


def test_a_correction_is_feedback_on_image_phrase_model_and_session(
    grounding: Grounding, corrections: BoxCorrections, ana: User, admin: User, unit_of_work: UnitOfWorkFactory
) -> None:
    image = uploaded(grounding, ana)
    run = grounding.find(ana, image.id, ["a car"], session="tab-1")
    fixed, _ = corrections.correct(ana, run.id, [Box(-5, 10, 999, 20, " roof\n")], "Too large\0")
    assert fixed.corrected == (Box(0, 10, 300, 20, "roof"),) and fixed.shown == fixed.corrected
    with unit_of_work() as work:
        [rating] = work.feedback.find(FeedbackFilter(), 9)
    assert (rating.question, rating.model, rating.rating, rating.comment) == ("a car", "finder", -1, "Too large")
    assert (rating.run_id, rating.state) == (run.id, ReviewState.NEW)
    case = corrections.case(admin, run.id)
    assert case is not None and (case.run.session, case.image, case.content) == ("tab-1", image, PNG)
    assert (case.run.boxes, case.run.corrected) == (run.boxes, fixed.corrected)
    corrections.correct(ana, run.id, run.boxes)
    with unit_of_work() as work:
        [rating] = work.feedback.find(FeedbackFilter(), 9)
    assert rating.rating == 1, "the model's boxes confirmed"
    grounding.remove(ana, image.id)
    assert corrections.case(admin, run.id) is None


def test_only_corrected_images_are_shown_to_reviewers(grounding: Grounding, corrections: BoxCorrections, ana: User, admin: User) -> None:
    run = grounding.find(ana, uploaded(grounding, ana).id, ["a car"])
    assert corrections.case(admin, run.id) is None
    with pytest.raises(NotAllowed):
        corrections.case(ana, run.id)


def test_wrong_corrections_are_refused(grounding: Grounding, corrections: BoxCorrections, ana: User) -> None:
    run = grounding.find(ana, uploaded(grounding, ana).id, ["a car"])
    for boxes, words in (
        ([Box(400, 0, 500, 10)], "lies outside the image"),
        ([Box(0, 0, 5, 5, phrase=1)], "names phrase 1"),
        ([Box(0, 0, 5, 5)] * (MAX_BOXES + 1), "at most 500 boxes"),
    ):
        with pytest.raises(InvalidInput, match=words):
            corrections.correct(ana, run.id, boxes)


def test_each_action_needs_its_permission(grounding: Grounding, corrections: BoxCorrections, exports: BoxExports, ana: User) -> None:
    image = uploaded(grounding, ana)
    run = grounding.find(ana, image.id, ["a car"])

    def without(permission: Permission) -> User:
        return replace(ana, withheld=frozenset({permission}))

    for permission, act in (
        (Permission.UPLOAD, lambda user: uploaded(grounding, user)),
        (Permission.DETECT, lambda user: grounding.find(user, image.id, ["a car"])),
        (Permission.DETECT, grounding.grounders),
        (Permission.DETECT, grounding.history),
        (Permission.RATE, lambda user: corrections.correct(user, run.id, [])),
        (Permission.EXPORT, lambda user: exports.export(user, [run.id], ExportFormat.CSV)),
        (Permission.EXPORT, lambda user: exports.drawn(user, run.id)),
    ):
        act(ana)
        with pytest.raises(NotAllowed):
            act(without(permission))


def test_others_do_not_find_an_image_or_a_run(
    grounding: Grounding, corrections: BoxCorrections, exports: BoxExports, ana: User, bo: User, admin: User
) -> None:
    image = uploaded(grounding, ana)
    run = grounding.find(ana, image.id, ["a car"])
    for other in (bo, admin):
        for act in (
            lambda user: grounding.image(user, image.id),
            lambda user: grounding.content(user, image.id),
            lambda user: grounding.find(user, image.id, ["a car"]),
            lambda user: grounding.remove(user, image.id),
            lambda user: grounding.get(user, run.id),
            lambda user: corrections.correct(user, run.id, []),
            lambda user: exports.export(user, [run.id], ExportFormat.JSON),
            lambda user: exports.drawn(user, run.id),
            lambda user: grounding.history(user, before=run.id),
        ):
            with pytest.raises(NotFound):
                act(other)
        assert grounding.history(other) == []


def test_a_legal_hold_keeps_images(grounding: Grounding, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    image = uploaded(grounding, ana)
    with unit_of_work() as work:
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", clock()))
        work.commit()
    with pytest.raises(Conflict, match="legal hold"):
        grounding.remove(ana, image.id)


def test_an_export_is_noted_and_has_what_the_person_left(
    grounding: Grounding, corrections: BoxCorrections, exports: BoxExports, ana: User, unit_of_work: UnitOfWorkFactory
) -> None:
    run = grounding.find(ana, uploaded(grounding, ana).id, ["a car"])
    corrections.correct(ana, run.id, [Box(1, 2, 3, 4, "roof")])
    [exported] = json.loads(exports.export(ana, [run.id, run.id], ExportFormat.JSON))["runs"]
    assert [(each["label"], each["box"]) for each in exported["boxes"]] == [("roof", [1, 2, 3, 4])]
    _, drawn = exports.drawn(ana, run.id)
    assert drawn.content == b"[((0.5, 1.0, 1.5, 2.0), 'roof')]"
    with unit_of_work() as work:
        events = work.audit.find(AuditFilter(), 9)
    assert [(each.event.action, each.event.subject) for each in events[:2]] == [("grounding.export", "image"), ("grounding.export", "json")]


def test_every_answer_leaves_a_generation_row(grounding: Grounding, ana: User, unit_of_work: UnitOfWorkFactory) -> None:
    image = uploaded(grounding, ana)
    grounding.find(ana, image.id, ["a car"])
    with unit_of_work() as work:
        parts = work.generations.parts(date(2026, 1, 1), date(2027, 1, 1))
    assert [(part.source, part.user_id, part.answers) for part in parts] == [("grounding", ana.id, 0)]


def test_phrases_are_checked() -> None:
    assert checked_phrases(["  a\tred\r\ncar ", "\u200b", "一辆车"]) == ("a red car", "一辆车")
    for phrases, words in (
        ([], "Write what to find"),
        (["   "], "Write what to find"),
        (["x" * (MAX_CHARS + 1)], "at most 300 characters"),
        ([str(n) for n in range(10_000)], "at most 20 phrases"),
    ):
        with pytest.raises(InvalidInput, match=words):
            checked_phrases(phrases)
    assert len(checked_phrases([str(n) for n in range(MAX_PHRASES)])) == MAX_PHRASES
