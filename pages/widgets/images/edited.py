"""Keep unsaved changes of the boxes of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from core.grounding.boxes import clipped
from core.grounding.corrections import MAX_BOXES, same_boxes
from core.grounding.records import Box, GroundImage, GroundRun

_STATE = "images-edited"


@dataclass
class Edited:
    """The boxes of a run with unsaved changes. chosen: the number of the box that is being changed."""

    run_id: str
    boxes: list[Box] = field(default_factory=list)
    chosen: int | None = None

    def changed(self, run: GroundRun) -> bool:
        """Tell whether there are unsaved changes."""
        return not same_boxes(run.shown, self.boxes)

    def take(self, event: dict[str, Any], image: GroundImage, run: GroundRun) -> None:
        """Take the boxes from an event of the browser; leave out invalid boxes."""
        found = []
        for each in event.get("boxes", [])[:MAX_BOXES]:
            edges = [float(edge) for edge in each["edges"]]
            phrase = each.get("phrase", 0)
            known = isinstance(phrase, int) and 0 <= phrase < len(run.phrases)
            label = str(each.get("label") or "") or (run.phrases[phrase] if known else "")
            box = clipped(
                (edges[0], edges[1], edges[2], edges[3]), image.width, image.height, label=label, confidence=each.get("confidence"),
                phrase=phrase if known else 0,
            )  # fmt: skip
            if box is not None:
                found.append(box)
        chosen = event.get("chosen")
        self.boxes = found
        self.chosen = chosen if isinstance(chosen, int) and 0 <= chosen < len(found) else None

    def add(self, image: GroundImage, run: GroundRun) -> None:
        """Add a box in the middle of the image and choose it."""
        wide, high = image.width / 4, image.height / 4
        middle = Box(
            left=image.width / 2 - wide / 2,
            top=image.height / 2 - high / 2,
            right=image.width / 2 + wide / 2,
            bottom=image.height / 2 + high / 2,
        )
        self.boxes = [*self.boxes, replace(middle, label=run.phrases[0])]
        self.chosen = len(self.boxes) - 1

    def remove(self) -> None:
        if self.chosen is not None:
            self.boxes = [box for number, box in enumerate(self.boxes) if number != self.chosen]
            self.chosen = None

    def change(self, box: Box) -> None:
        if self.chosen is not None:
            self.boxes = [box if number == self.chosen else each for number, each in enumerate(self.boxes)]


def edited(run: GroundRun) -> Edited:
    """Return this session's changes of a run; a run that was not open starts with its stored boxes."""
    found = st.session_state.get(_STATE)
    if not isinstance(found, Edited) or found.run_id != run.id:
        found = st.session_state[_STATE] = Edited(run.id, list(run.shown))
    return found


def forget() -> None:
    """Forget unsaved changes."""
    st.session_state.pop(_STATE, None)


def numbers_of(boxes: Sequence[Box]) -> list[tuple[int, int, int, int]]:
    """Return left, top, width and height of each box in whole pixels."""
    return [(round(box.left), round(box.top), round(box.width), round(box.height)) for box in boxes]
