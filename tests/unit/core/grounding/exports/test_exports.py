"""JSON, COCO and CSV hold the corrected boxes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from core.grounding.exports.exports import CSV_HEADER, ExportFormat, written
from core.grounding.records import Box
from tests.store import things

ANA = things.user("ana")
IMAGE = things.ground_image(ANA, "=街.png")
"""The file has 400 by 300 pixels and lies on its side: people see 300 by 400."""
RUN = things.ground_run(IMAGE, "+car")
FIXED = replace(things.ground_run(IMAGE, "+car"), corrected=(Box(0, 0, 300, 200, "roof"),), comment="Too small")


def test_json_has_both_pixels_of_a_turned_photo() -> None:
    run, fixed = json.loads(written(ExportFormat.JSON, [(RUN, IMAGE), (FIXED, IMAGE)], str))["runs"]
    assert (run["image"]["width"], run["image"]["height"], run["image"]["orientation"]) == (300, 400, 6)
    assert [each["box"] for each in run["boxes"]] == [[1.5, 2, 30, 40.25], [1, 2, 3, 4]]
    assert (run["corrected"], fixed["corrected"], fixed["comment"]) == (False, True, "Too small")
    [box] = fixed["boxes"]
    assert (box["phrase"], box["label"], box["confidence"]) == ("+car", "roof", None)
    assert box["box_in_file"] == [0, 0, 200, 300]


def test_coco_has_each_image_once_and_labels_as_categories() -> None:
    content = json.loads(written(ExportFormat.COCO, [(RUN, IMAGE), (FIXED, IMAGE)], str))
    assert content["images"] == [{"id": 1, "file_name": "=街.png", "width": 300, "height": 400}]
    names = {each["id"]: each["name"] for each in content["categories"]}
    boxes = [(names[each["category_id"]], each["bbox"], each.get("score")) for each in content["annotations"]]
    assert boxes == [("+car", [1.5, 2, 28.5, 38.25], 0.5), ("a dog", [1, 2, 2, 2], None), ("roof", [0, 0, 300, 200], None)]
    assert [each["id"] for each in content["annotations"]] == [1, 2, 3] and content["annotations"][2]["area"] == 60_000


def test_csv_is_safe_in_a_spreadsheet() -> None:
    header, *rows = csv.reader(io.StringIO(written(ExportFormat.CSV, [(RUN, IMAGE), (FIXED, IMAGE)], str).decode("utf-8-sig")))
    assert tuple(header) == CSV_HEADER and len(rows) == 3
    first = dict(zip(header, rows[0], strict=True))
    assert (first["image"], first["phrase"], first["left"], first["corrected"]) == ("'=街.png", "'+car", "1.5", "no")
    assert rows[2][header.index("corrected")] == "yes"
