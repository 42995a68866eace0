"""Convert boxes to JSON text for the database, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.grounding.records import Box


def boxes_to_json(boxes: Sequence[Box]) -> str:
    rows = [[*(round(each, 3) for each in box.edges), box.label, box.confidence, box.phrase] for box in boxes]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def boxes_of_json(text: str) -> tuple[Box, ...]:
    return tuple(
        Box(left=left, top=top, right=right, bottom=bottom, label=label, confidence=confidence, phrase=phrase)
        for left, top, right, bottom, label, confidence, phrase in json.loads(text)
    )
