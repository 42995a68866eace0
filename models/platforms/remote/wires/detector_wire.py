"""Speak the protocol of detectors: an image and phrases in, boxes out, as docs/detectors.md describes it."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from core.characters import one_line
from core.inference.detection import DetectedBox, DetectionRequest
from core.models.records import ModelKind
from core.platforms.records import RemoteModel
from models.platforms.remote.failures import invalid_answer
from models.platforms.remote.wires.listing import MAX_MODELS, ListedModel

MAX_BOXES = 2_000
"""Most boxes read from one answer."""
MAX_LABEL = 200
Get = Callable[[str], dict[str, Any]]
Post = Callable[[str, dict[str, Any]], dict[str, Any]]


class DetectorWire:
    """Writes requests to detectors and reads their answers."""

    def models(self, get: Get) -> list[ListedModel]:
        found = get("/models").get("data")
        entries = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
        return [
            ListedModel(id=name, kind=ModelKind.DETECTION, version=str(each.get("version") or "")[:80])
            for each in entries[:MAX_MODELS]
            if isinstance(name := each.get("id"), str) and 0 < len(name) <= 200
        ]

    def detect(self, post: Post, request: DetectionRequest, model: RemoteModel, platform: str) -> tuple[DetectedBox, ...]:
        """Return the boxes as the detector sent them. Raises PlatformFailure for anything else."""
        image = base64.b64encode(request.image).decode()
        body = {"model": model.id, "image": image, "media_type": request.media_type, "phrases": list(request.phrases)}
        found = post("/detect", body).get("boxes")
        if not isinstance(found, list):
            raise invalid_answer(platform, "boxes")
        return tuple(_box(each, len(request.phrases), platform) for each in found[:MAX_BOXES])


def _box(entry: object, phrases: int, platform: str) -> DetectedBox:
    edges = entry.get("box") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(edges, list) or len(edges) != 4 or not all(map(_is_number, edges)):
        raise invalid_answer(platform, "box")
    phrase, confidence = entry.get("phrase", 0), entry.get("confidence")
    if not isinstance(phrase, int) or not 0 <= phrase < phrases:
        raise invalid_answer(platform, "phrase")
    likely = float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else None
    label = entry.get("label")
    return DetectedBox(
        edges=(float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])),
        phrase=phrase,
        label=one_line(label)[:MAX_LABEL] if isinstance(label, str) else "",
        confidence=likely,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)
