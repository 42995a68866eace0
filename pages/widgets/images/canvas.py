"""Draw boxes on an image. With `edit`, users can draw, move and resize boxes by mouse, and move them by the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.grounding.records import Box, GroundImage
from pages.shell.words import t
from pages.widgets.common.script import component

_boxes = component("boxes", file="boxes.js", html="<div class='boxes'><img><svg></svg><div class='lost'></div></div>")


def canvas(
    key: str,
    image: GroundImage,
    boxes: Sequence[Box],
    phrases: Sequence[str],
    *,
    edit: bool = False,
    chosen: int | None = None,
    on_event: Callable[[str], None] | None = None,
) -> None:
    """Draw it. on_event: called with the key, whose state then holds `event`: {"boxes": [{"edges", "label", "phrase", "by"}], "chosen"}."""
    picture = {
        "src": f"/api/v1/ground-images/{image.id}/content",
        "alt": t("{name} with {n} boxes", name=image.name, n=len(boxes)),
        "width": image.width,
        "height": image.height,
        "edit": edit,
        "chosen": chosen,
    }
    given = [{"edges": list(box.edges), "label": box.label, "confidence": box.confidence, "phrase": box.phrase} for box in boxes]
    words = {
        "phrases": list(phrases),
        "box": t("Box {n}: {name}. Arrow keys move it, with Alt they resize it, Delete removes it.", n="{n}", name="{name}"),
        "lost": t("The image cannot be shown. Load the page again."),
    }
    # A list: Streamlit searches every value of a mapping for tables.
    _boxes(key=key, data=[picture, given, words], on_event_change=lambda: on_event(key) if on_event else None)
