"""Write runs as JSON, COCO and CSV with their current boxes: a correction replaces the boxes of the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from core.grounding.geometry import to_file
from core.grounding.records import Box, GroundImage, GroundRun
from core.tasks.records import Json
from core.usage.csv_file import to_csv

Found = tuple[GroundRun, GroundImage]
_DIGITS = 2
CSV_HEADER = (
    "image", "width", "height", "model", "model_version", "phrase", "label", "confidence", "left", "top", "right", "bottom", "corrected",
    "run_id", "created_at",
)  # fmt: skip


class ExportFormat(StrEnum):
    JSON = "json"
    COCO = "coco"
    CSV = "csv"


EXTENSIONS = {ExportFormat.JSON: "json", ExportFormat.COCO: "coco.json", ExportFormat.CSV: "csv"}


def written(format: ExportFormat, found: Sequence[Found], change: Callable[[str], str]) -> bytes:
    """Return runs in a format. change: removes personal data that must not be exported from a text."""
    found = [_changed(change, run, image) for run, image in found]
    match format:
        case ExportFormat.JSON:
            return _text({"runs": [run_json(run, image) for run, image in found]})
        case ExportFormat.COCO:
            return _text(coco(found))
        case ExportFormat.CSV:
            return _csv(found)


def _changed(change: Callable[[str], str], run: GroundRun, image: GroundImage) -> Found:
    boxes = tuple(replace(box, label=change(box.label)) for box in run.shown)
    phrases = tuple(change(phrase) for phrase in run.phrases)
    corrected = boxes if run.corrected is not None else None
    changed = replace(run, phrases=phrases, boxes=boxes, corrected=corrected, comment=change(run.comment))
    return changed, replace(image, name=change(image.name))


def run_json(run: GroundRun, image: GroundImage) -> Mapping[str, Json]:
    """Describe a run. `box` is in pixels of the upright image, `box_in_file` in the stored pixels of the file."""
    return {
        "id": run.id,
        "image": {
            "id": image.id,
            "name": image.name,
            "width": image.width,
            "height": image.height,
            "orientation": image.mapping.orientation,
            "sha256": image.sha256,
        },
        "phrases": list(run.phrases),
        "model": run.model,
        "model_version": run.model_version,
        "created_at": run.created_at.isoformat(),
        "duration_s": round(run.duration_s, 3),
        "cached": run.cached,
        "corrected": run.corrected is not None,
        "comment": run.comment,
        "boxes": [box_json(box, run, image) for box in run.shown],
    }


def box_json(box: Box, run: GroundRun, image: GroundImage) -> Mapping[str, Json]:
    return {
        "phrase": run.phrases[box.phrase],
        "label": box.label,
        "confidence": box.confidence,
        "box": _rounded(box.edges),
        "box_in_file": _rounded(to_file(image.mapping, box.edges)),
    }


def coco(found: Sequence[Found]) -> Mapping[str, Json]:
    """Build a COCO data set: each image once, labels as categories, boxes as left, top, width and height."""
    images: dict[str, int] = {}
    categories: dict[str, int] = {}
    listed: list[Json] = []
    annotations: list[Json] = []
    for run, image in found:
        if image.id not in images:
            images[image.id] = len(images) + 1
            listed.append({"id": images[image.id], "file_name": image.name, "width": image.width, "height": image.height})
        for box in run.shown:
            name = box.label or run.phrases[box.phrase]
            one: dict[str, Json] = {
                "id": len(annotations) + 1,
                "image_id": images[image.id],
                "category_id": categories.setdefault(name, len(categories) + 1),
                "bbox": _rounded((box.left, box.top, box.width, box.height)),
                "area": round(box.area, _DIGITS),
                "iscrowd": 0,
            }
            annotations.append(one if box.confidence is None else {**one, "score": box.confidence})
    return {
        "info": {"description": "Boxes from GLM Portal"},
        "images": listed,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }


def _csv(found: Sequence[Found]) -> bytes:
    return to_csv(CSV_HEADER, (
        (
            image.name, image.width, image.height, run.model, run.model_version, run.phrases[box.phrase], box.label, box.confidence,
            *_rounded(box.edges), "yes" if run.corrected is not None else "no", run.id, run.created_at.isoformat(),
        )
        for run, image in found
        for box in run.shown
    ))  # fmt: skip


def _rounded(numbers: Sequence[float]) -> list[Json]:
    return [round(each, _DIGITS) for each in numbers]


def _text(content: Mapping[str, Json]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode()
