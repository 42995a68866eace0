"""Decode one image in a separate process that can be killed. The reader runs it and never imports it.

Images are untrusted: they can be damaged, a decompression bomb, or written to attack a decoder. So the process has little memory and time,
cannot write files, and knows nothing of the portal. Only the decoder of the format that the content shows is used, and the size is checked
before any pixel is decoded. The pixels are encoded again, so nothing else of the file is left.

Protocol: the image on stdin; one argument, {"cpu_s", "memory_bytes", "most_pixels", "most_side", "most_stored_pixels", "format"} and, for
an image that was decoded before, "resize" (width and height) or "boxes" ([left, top, right, bottom, label] each, to draw). On stdout a line
of JSON, {"source", "orientation", "size", "media_type"} followed by the image, or {"error"}, which is "damaged", "large" (with "size") or
"heavy".
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageDraw, ImageFont

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_COLOURS = ("#1d4ed8", "#b45309", "#047857", "#be185d", "#6d28d9", "#0e7490")
_PNG_BYTES = 8_000_000
"""A larger PNG becomes a JPEG; it is a photograph."""
_QUALITY = 92


class _Refused(Exception):
    """Raised with the error of the protocol and its details."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error)
        self.answer = {"error": error, **details}


def _open(content: bytes, settings: dict[str, Any]) -> Image.Image:
    """Read only the header, and refuse images that are too large."""
    if settings["format"] == "HEIF":
        import pi_heif

        pi_heif.register_heif_opener(thumbnails=False, decode_threads=0)
    Image.MAX_IMAGE_PIXELS = None  # Checked below, with the size in the sentence.
    image = Image.open(BytesIO(content), formats=[settings["format"]])
    if image.width * image.height > settings["most_pixels"] or max(image.size) > settings["most_side"]:
        raise _Refused("large", size=image.size)
    return image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 if there is none. Broken EXIF data does not make an image unreadable."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - whatever a stranger wrote there
        return 1
    return found if isinstance(found, int) and found in range(1, 9) else 1


def _in_srgb(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """Convert the colours of a photograph with its own profile, as phones write it."""
    profile = image.info.get("icc_profile")
    if not profile or pixels.mode != "RGB":
        return pixels
    try:
        converted = ImageCms.profileToProfile(pixels, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"))
    except Exception:  # noqa: BLE001 - a broken profile only leaves the colours as they are
        return pixels
    return converted or pixels


def _rgb(image: Image.Image) -> Image.Image:
    """Return the first frame as RGB, transparent parts on white."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits per pixel
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layers = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layers, mask=layers.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _reduced(image: Image.Image, most_pixels: int) -> Image.Image:
    pixels = image.width * image.height
    if pixels <= most_pixels:
        return image
    scale = (most_pixels / pixels) ** 0.5
    return image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))), Image.Resampling.LANCZOS)


def _drawn(image: Image.Image, boxes: list[tuple[float, float, float, float, str]]) -> Image.Image:
    """Draw numbered boxes. The font that comes with Pillow has Latin letters only: other labels show only their number."""
    pen, line = ImageDraw.Draw(image), max(2, round(min(image.size) / 250))
    font = ImageFont.load_default(size=max(12, round(min(image.size) / 36)))
    for number, (left, top, right, bottom, label) in enumerate(boxes, 1):
        colour = _COLOURS[(number - 1) % len(_COLOURS)]
        pen.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=line)
        latin = label if all(ord(each) < 0x250 for each in label) else ""
        text = f"{number} {latin}".strip()
        wide, high = pen.textbbox((0, 0), text, font=font)[2:]
        above = max(0.0, top - high - 2 * line)
        pen.rectangle((left, above, left + wide + 2 * line, above + high + 2 * line), fill=colour)
        pen.text((left + line, above + line), text, fill="white", font=font)
    return image


def _encoded(image: Image.Image, lossless: bool) -> tuple[str, bytes]:
    """Return media type and content, without any metadata."""
    image.info.clear()
    written = BytesIO()
    if lossless:
        image.save(written, "PNG", compress_level=4)
        if written.tell() <= _PNG_BYTES:
            return "image/png", written.getvalue()
        written = BytesIO()
    image.save(written, "JPEG", quality=_QUALITY, subsampling=0)
    return "image/jpeg", written.getvalue()


def _decoded(content: bytes, settings: dict[str, Any]) -> bytes:
    image = _open(content, settings)
    source, orientation = image.size, _orientation(image)
    if settings["format"] == "HEIF":  # libheif has applied it, and the plugin reports so.
        orientation = 1
    image.load()
    pixels = _in_srgb(image, _rgb(image))
    if "resize" in settings:
        pixels = pixels.resize(tuple(settings["resize"]), Image.Resampling.BICUBIC)
    elif "boxes" in settings:
        pixels = _drawn(pixels, settings["boxes"])
    elif orientation in _TURNS:
        pixels = pixels.transpose(_TURNS[orientation])
    pixels = _reduced(pixels, settings["most_stored_pixels"])
    lossy = settings["format"] in ("JPEG", "HEIF") or content[12:16] == b"VP8 "
    media_type, encoded = _encoded(pixels, not lossy)
    head = {"source": source, "orientation": orientation, "size": pixels.size, "media_type": media_type}
    return json.dumps(head).encode() + b"\n" + encoded


def _answer(content: bytes, settings: dict[str, Any]) -> bytes:
    try:
        return _decoded(content, settings)
    except _Refused as refused:
        answer = refused.answer
    except (MemoryError, Image.DecompressionBombError):
        answer = {"error": "heavy"}
    except Exception:  # noqa: BLE001 - whatever an image does to its decoder, it cannot be read
        answer = {"error": "damaged"}
    return json.dumps(answer).encode() + b"\n"


def main() -> None:
    settings = json.loads(sys.argv[1])
    for kind, most in {
        resource.RLIMIT_AS: settings["memory_bytes"],
        resource.RLIMIT_CPU: settings["cpu_s"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 16,
    }.items():
        resource.setrlimit(kind, (most, most))
    if settings["format"] != "HEIF":  # Its decoder needs a thread, which counts as a process.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    logging.disable()
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(_answer(sys.stdin.buffer.read(), settings))


if __name__ == "__main__":
    main()
