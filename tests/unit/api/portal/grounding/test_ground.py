"""Boxes over REST: an image is sent, boxes are returned, corrected and exported."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from PIL import Image

from samples.image_files import picture, shown, turned_photo, written
from samples.servers.models.detector_server import DetectorServer, detector_server

PICTURE = written(picture(300, 200))


@pytest.fixture
def detector(signed_in: Callable[[str], httpx.Client]) -> Iterator[DetectorServer]:
    """Yield a detector that the portal is configured with."""
    ada = signed_in("ada")
    with detector_server() as server:
        platforms = f"platforms: [{{name: boxes, type: detector, base_url: '{server.url}'}}]"
        assert ada.put("/api/v1/platforms", json={"text": platforms}).status_code == 200
        until = time.monotonic() + 60
        while not ada.get("/api/v1/ground/models").json()["items"]:
            assert time.monotonic() < until, "the detector was not listed"
            time.sleep(0.02)
        yield server


def ground(client: httpx.Client, content: bytes = PICTURE, **more: object) -> httpx.Response:
    body = {"image": base64.b64encode(content).decode(), "name": "street.png", "phrases": ["a red car", "nothing"], **more}
    return client.post("/api/v1/ground", json=body, timeout=60)


def test_an_image_and_phrases_become_boxes(ann: httpx.Client, detector: DetectorServer) -> None:
    response = ground(ann, session="tab-1")
    assert response.status_code == 200, response.text
    run = response.json()
    assert [(each["phrase"], each["label"], each["confidence"], each["box"]) for each in run["boxes"]] == [
        ("a red car", "a red car", 0.9, [10, 20, 110, 90])
    ]
    assert (run["model"], run["model_version"], run["session"], run["cached"]) == ("finder@boxes", "boxes/finder/1", "tab-1", False)
    assert (run["image"]["name"], run["image"]["width"], run["image"]["height"]) == ("street.png", 300, 200)
    again = ann.post("/api/v1/ground", json={"image_id": run["image"]["id"], "phrases": ["a red car"]}).json()
    assert again["cached"] and len(detector.asked) == 1
    assert ground(ann).json()["image"]["id"] == run["image"]["id"], "the same image is stored once"
    assert [each["id"] for each in ann.get("/api/v1/ground?limit=2").json()["items"]][1] == again["id"]
    assert ann.get(f"/api/v1/ground/{run['id']}").json() == run
    assert ann.get("/api/v1/ground/models").json() == {
        "items": [{"name": "finder@boxes", "kind": "detection", "version": "boxes/finder/1"}]
    }


def test_a_turned_photo_has_boxes_in_both_pixels_and_loses_its_location(ann: httpx.Client, detector: DetectorServer) -> None:
    run = ground(ann, turned_photo(picture(200, 300), 6, "Secret Street 7"), phrases=["car"]).json()
    assert (run["image"]["width"], run["image"]["height"], run["image"]["orientation"]) == (300, 200, 6)
    assert (run["boxes"][0]["box"], run["boxes"][0]["box_in_file"]) == ([10, 20, 110, 90], [20, 190, 90, 290])
    stored = ann.get(f"/api/v1/ground-images/{run['image']['id']}/content")
    assert shown(stored.content).size == (300, 200) and b"Secret" not in stored.content
    assert b"Secret" not in base64.b64decode(detector.asked[0]["image"])


def test_a_correction_reaches_the_queue_and_exports(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], detector: DetectorServer
) -> None:
    run = ground(ann).json()
    fixed = {"boxes": [{"box": [-4, 5, 100, 60], "label": "car"}], "comment": "Too large"}
    corrected = ann.put(f"/api/v1/ground/{run['id']}/correction", json=fixed).json()
    assert corrected["corrected"] and [each["box"] for each in corrected["boxes"]] == [[0, 5, 100, 60]]
    [case] = signed_in("rita").get("/api/v1/feedback").json()["items"]
    assert (case["question"], case["rating"], case["comment"], case["message_id"]) == ("a red car, nothing", -1, "Too large", run["id"])
    coco = ann.get("/api/v1/ground/export", params={"id": run["id"], "format": "coco"}).json()
    assert [each["bbox"] for each in coco["annotations"]] == [[0, 5, 100, 55]]
    assert ann.get("/api/v1/ground/export", params={"id": run["id"], "format": "csv"}).content.startswith(b"\xef\xbb\xbfimage,")
    drawn = ann.get(f"/api/v1/ground/{run['id']}/drawn")
    assert drawn.headers["content-disposition"] == "attachment; filename*=UTF-8''street-boxes.png"
    assert shown(drawn.content).getpixel((50, 59)) == (0x1D, 0x4E, 0xD8), "the lower edge of the first box"
    assert ann.delete(f"/api/v1/ground-images/{run['image']['id']}").status_code == 204
    assert ann.get(f"/api/v1/ground/{run['id']}").status_code == 404


def test_what_cannot_be_used_is_refused_with_a_sentence(ann: httpx.Client, detector: DetectorServer) -> None:
    for body, words in (
        ({"phrases": ["x"]}, "Send either image or image_id."),
        ({"image": "%%%", "phrases": ["x"]}, "image is not Base64."),
        ({"image": base64.b64encode(b"<svg xmlns='x'/>").decode(), "phrases": ["x"]}, "is an SVG drawing"),
        ({"image": base64.b64encode(b"hello").decode(), "phrases": ["x"]}, "is not an image"),
        ({"image": base64.b64encode(PICTURE[:60]).decode(), "phrases": ["x"]}, "damaged"),
        ({"image": base64.b64encode(PICTURE).decode(), "phrases": []}, "Write what to find"),
        ({"image": base64.b64encode(PICTURE).decode(), "phrases": [str(n) for n in range(21)]}, "at most 20 phrases"),
    ):
        response = ann.post("/api/v1/ground", json=body, timeout=60)
        assert response.status_code == 422 and words in response.json()["error"]["message"], response.text
    assert ann.post("/api/v1/ground", json={"image": "", "phrases": ["x"] * 10_000}).status_code == 422
    assert detector.asked == []


def test_a_failure_is_kept_and_reported(ann: httpx.Client, detector: DetectorServer) -> None:
    detector.answer = lambda _: (500, {})
    response = ground(ann)
    assert response.status_code == 502 and response.json()["error"]["message"] == "boxes failed (500)."
    [run] = ann.get("/api/v1/ground").json()["items"]
    assert run["error"] == {"message": "boxes failed (500).", "code": "model_failed"} and run["boxes"] == []


def test_limits_hold(ann: httpx.Client, signed_in: Callable[[str], httpx.Client], detector: DetectorServer) -> None:
    rule = {"holder": "everyone", "measure": "requests", "period": "day", "amount": 1}
    assert signed_in("ada").put("/api/v1/limits", json=rule).status_code == 200
    first = ground(ann)
    assert first.status_code == 200 and "ratelimit" in first.headers
    refused = ground(ann, phrases=["another"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "limit_reached")
    assert ground(ann).status_code == 200, "cached results cost nothing"


def test_a_large_image_may_be_sent(ann: httpx.Client, detector: DetectorServer) -> None:
    noise = written(Image.effect_noise((1200, 1200), 90))
    assert len(noise) > 1_200_000 and ground(ann, noise).status_code == 200


def test_a_model_is_evaluated_and_listed_for_everybody(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], detector: DetectorServer
) -> None:
    ada = signed_in("ada")
    assert ann.post("/api/v1/ground-evaluations", json={"model": "finder@boxes"}).status_code == 403
    started = ada.post("/api/v1/ground-evaluations", json={"model": "finder@boxes"})
    assert (started.status_code, started.json()["kind"]) == (202, "grounding.evaluate")
    until = time.monotonic() + 60
    while not (items := ann.get("/api/v1/ground-evaluations").json()["items"]):
        assert time.monotonic() < until, ada.get(f"/api/v1/jobs/{started.json()['id']}").json()
        time.sleep(0.05)
    [result] = items
    assert (result["model"], result["model_version"], result["images"]) == ("finder@boxes", "boxes/finder/1", 24)
    assert len(detector.asked) == 24
    for kind in ("shapes", "texts", "total"):
        score = result[kind]
        assert score["precision"] == pytest.approx(score["right"] / (score["right"] + score["wrong"]))
        assert score["recall"] == pytest.approx(score["right"] / (score["right"] + score["missed"]))
    assert result["total"]["right"] == result["shapes"]["right"] + result["texts"]["right"]
    assert ann.get("/api/v1/ground-evaluations?model=none").json() == {"items": []}
