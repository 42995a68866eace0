"""Decode images, each in a separate `worker` process, which limits the harm of a hostile image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.characters import cut
from core.errors import InvalidInput
from core.grounding.records import Box
from core.images.fitting import check_ratio, fitted_size
from core.images.formats import format_of, readable_format
from core.images.records import DecodedImage, ImageFormat, PixelMapping
from core.knowledge.ports import OnQueuePosition
from data.bounded_process import BoundedProcess, OverLimit

CPU_S, WALL_S = 20, 30.0
MEMORY_BYTES = 1 << 30
MAX_PIXELS = 50_000_000
"""Most pixels that a phone's camera takes. Checked before anything is decoded."""
MAX_SIDE = 16_384
MAX_STORED_PIXELS = 16_000_000
"""Larger images are reduced to this size; no model sees more than a quarter of it."""
MAX_DRAWN, MAX_DRAWN_LABEL = 200, 40
"""Most boxes, and most characters of a label. They are an argument of the process, which may be 128 KB long."""
AT_ONCE, MAX_OPEN = 2, 6
WAIT_S = 120.0
WORKER = Path(__file__).with_name("worker.py")
_BUSY = "Other images are being processed. Try again in a minute."
_UNAVAILABLE = "Images cannot be read at the moment. Try again later, or ask an admin: the log says why."
_REFUSED = {
    "damaged": (
        "{name} is damaged or incomplete and cannot be read. Open it in an image viewer, save it as PNG or JPEG, and choose that file."
    ),
    "large": (
        "{name} has {width} x {height} pixels; at most {megapixels} megapixels and {side} pixels per side can be read. Make it smaller."
    ),
    "heavy": "{name} takes too much time or memory to read. Save it as PNG or JPEG in a smaller size.",
}


class ProcessImageReader:
    """Decodes a limited number of images at once, fairly by person. Thread-safe."""

    def __init__(
        self,
        *,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        memory_bytes: int = MEMORY_BYTES,
        most_pixels: int = MAX_PIXELS,
        most_stored_pixels: int = MAX_STORED_PIXELS,
        at_once: int = AT_ONCE,
        wait_s: float = WAIT_S,
        worker: Path = WORKER,
    ) -> None:
        """cpu_s, wall_s, memory_bytes, most_pixels: limits for one image. most_stored_pixels: larger images are reduced."""
        self._most_pixels = most_pixels
        self._settings = {
            "cpu_s": cpu_s,
            "memory_bytes": memory_bytes,
            "most_pixels": most_pixels,
            "most_side": MAX_SIDE,
            "most_stored_pixels": most_stored_pixels,
        }
        self._process = BoundedProcess(
            worker,
            at_once=at_once,
            most_open=at_once + MAX_OPEN - AT_ONCE,
            wall_s=wall_s,
            wait_s=wait_s,
            busy=_BUSY,
            unavailable=_UNAVAILABLE,
        )

    def recognizes(self, content: bytes) -> bool:
        """Tell whether the content begins like a readable image."""
        return format_of(content) is not None

    def decode(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> DecodedImage:
        """Return the upright image without metadata. Raises as the port says."""
        head, pixels = self._ask(name, content, {"format": readable_format(name, content)}, person, on_queue_position)
        mapping = PixelMapping(
            source_width=head["source"][0],
            source_height=head["source"][1],
            orientation=head["orientation"],
            width=head["size"][0],
            height=head["size"][1],
        )
        check_ratio(name, *mapping.upright_size)
        return _decoded(pixels, head, mapping)

    def fitted(self, image: DecodedImage, person: str = "") -> DecodedImage:
        """Return the image in whole patches of a vision model; the same image if it already has that size."""
        size = fitted_size(image.width, image.height)
        if size == (image.width, image.height):
            return image
        kind = ImageFormat.PNG if image.media_type == "image/png" else ImageFormat.JPEG
        head, pixels = self._ask("The image", image.content, {"format": kind, "resize": size}, person, None)
        return _decoded(pixels, head, image.mapping.resized(*size))

    def drawn(self, image: DecodedImage, boxes: Sequence[Box], person: str = "") -> DecodedImage:
        """Return the image with the boxes drawn on it. Raises as the port says."""
        kind = ImageFormat.PNG if image.media_type == "image/png" else ImageFormat.JPEG
        drawn = [(*(round(each, 1) for each in box.edges), cut(box.label, MAX_DRAWN_LABEL)) for box in boxes[:MAX_DRAWN]]
        head, pixels = self._ask("The image", image.content, {"format": kind, "boxes": drawn}, person, None)
        return _decoded(pixels, head, image.mapping)

    def _ask(
        self, name: str, content: bytes, settings: dict[str, object], person: str, on_queue_position: OnQueuePosition | None
    ) -> tuple[dict[str, Any], bytes]:
        """Return the worker's description of the image, and the image."""
        try:
            answer = self._process.run(content, {**self._settings, **settings}, person, on_queue_position)
        except OverLimit:
            answer = b'{"error": "heavy"}\n'
        line, _, pixels = answer.partition(b"\n")
        head: dict[str, Any] = json.loads(line)
        if "error" in head:
            width, height = head.get("size", (0, 0))
            sentence = _REFUSED[head["error"]]
            limits = {"megapixels": self._most_pixels // 1_000_000, "side": f"{MAX_SIDE:,}"}
            raise InvalidInput(sentence, name=name, width=f"{width:,}", height=f"{height:,}", **limits)
        return head, pixels


def _decoded(content: bytes, head: dict[str, Any], mapping: PixelMapping) -> DecodedImage:
    return DecodedImage(content=content, media_type=head["media_type"], sha256=sha256(content).hexdigest(), mapping=mapping)
