"""Read the labelled set from data/images/labelled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.grounding.evaluation.records import ImageKind, LabelledImage, LabelledSet
from core.grounding.records import Box

FOLDER = Path(__file__).parent / "labelled"


class FolderLabelledImages:
    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def load(self) -> LabelledSet:
        labels = json.loads((self._folder / "labels.json").read_text("utf-8"))
        return LabelledSet(labels["version"], tuple(self._image(each) for each in labels["images"]))

    def _image(self, label: dict[str, Any]) -> LabelledImage:
        phrases = {each["phrase"]: tuple(_box(edges) for edges in each["boxes"]) for each in label["phrases"]}
        content = (self._folder / label["file"]).read_bytes()
        return LabelledImage(
            name=label["file"], kind=ImageKind(label["kind"]), content=content, width=label["width"], height=label["height"],
            phrases=phrases,
        )  # fmt: skip


def _box(edges: Sequence[float]) -> Box:
    left, top, right, bottom = edges
    return Box(left=left, top=top, right=right, bottom=bottom)
