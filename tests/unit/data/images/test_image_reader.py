"""Ordinary and hostile images, each decoded by a real process."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image

from core.errors import InvalidInput, Unavailable
from core.images.formats import NOT_AN_IMAGE, OTHER_IMAGE, SVG
from core.images.records import DecodedImage
from data.images.reader import ProcessImageReader
from samples.image_files import CORNER, HEIC, chunk, picture, png, shown, turned_photo, written

READER = ProcessImageReader()
DAMAGED = "{name} is damaged or incomplete and cannot be read. Open it in an image viewer, save it as PNG or JPEG, and choose that file."
LARGE = "{name} has {width} x {height} pixels; at most {megapixels} megapixels and {side} pixels per side can be read. Make it smaller."
HEAVY = "{name} takes too much time or memory to read. Save it as PNG or JPEG in a smaller size."
NARROW = "{name} is too narrow: one side is more than {ratio} times the other."


def refusal(content: bytes, reader: ProcessImageReader = READER) -> str:
    with pytest.raises(InvalidInput) as caught:
        reader.decode("Plan 3.png", content)
    assert "Plan 3.png" in str(caught.value)
    return caught.value.template


def red(image: DecodedImage, x: int, y: int) -> bool:
    r, g, b = shown(image.content).convert("RGB").getpixel((x, y))
    return r > 200 and g < 90 and b < 90


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_format_is_read_upright_and_red_green_blue(kind: str) -> None:
    decoded = READER.decode("a", written(picture(90, 60), kind))
    assert (decoded.width, decoded.height) == (90, 60)
    assert shown(decoded.content).mode == "RGB"
    assert red(decoded, 5, 5) and not red(decoded, 60, 30)
    assert decoded.media_type == f"image/{shown(decoded.content).format.lower()}"


def test_heic_of_a_phone_is_read_upright() -> None:
    decoded = READER.decode("IMG_1.HEIC", HEIC)
    assert (decoded.width, decoded.height) == (40, 64)
    assert red(decoded, 40 - 5, 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says_and_maps_back(orientation: int) -> None:
    upright = picture(120, 80)
    stored = turned_photo(_stored_as(upright, orientation), orientation)
    decoded = READER.decode("a.jpg", stored)
    assert (decoded.width, decoded.height) == (120, 80)
    assert red(decoded, CORNER // 2, CORNER // 2) and not red(decoded, 100, 60)
    x, y = decoded.mapping.to_source(CORNER / 2, CORNER / 2)
    r, g, _ = shown(stored).getpixel((int(x), int(y)))
    assert r > 200 and g < 90


def _stored_as(upright: Image.Image, orientation: int) -> Image.Image:
    """Undo the turn that viewers make of this orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(undo[orientation]) if orientation in undo else upright


def test_location_and_other_metadata_are_removed() -> None:
    stored = turned_photo(picture(60, 40), 1, place="At home, Baker Street")
    assert b"Baker Street" in stored and shown(stored).getexif().get_ifd(0x8825)
    decoded = READER.decode("a.jpg", stored)
    assert b"Baker" not in decoded.content
    assert not dict(shown(decoded.content).getexif())
    noted = png(40, 40, None, chunk(b"tEXt", b"Comment\0At home"))
    assert b"At home" not in READER.decode("a.png", noted).content


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [picture(40, 30), picture(40, 30, "blue")]
    for kind in ("GIF", "WEBP"):
        decoded = READER.decode("a", written(frames[0], kind, save_all=True, append_images=frames[1:]))
        r, g, b = shown(decoded.content).getpixel((35, 25))
        assert min(r, g, b) > 240, kind


def test_transparent_parts_become_white() -> None:
    clear = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    assert shown(READER.decode("a.png", written(clear)).content).getpixel((3, 3)) == (255, 255, 255)


def test_depths_and_colours_of_other_programs_are_read() -> None:
    grey = Image.new("I;16", (30, 30), 0x8000)
    assert abs(shown(READER.decode("a.png", written(grey)).content).getpixel((3, 3))[0] - 128) <= 1
    cmyk = Image.new("CMYK", (30, 30), (0, 255, 255, 0))
    assert red(READER.decode("a.jpg", written(cmyk, "JPEG")), 3, 3)


def test_the_extension_says_nothing() -> None:
    assert READER.decode("a.gif", written(picture(30, 30), "JPEG")).media_type == "image/jpeg"


def test_the_same_file_has_the_same_hash() -> None:
    content = written(picture(50, 50))
    assert READER.decode("a.png", content).sha256 == READER.decode("b.png", content).sha256


def test_a_large_image_is_reduced_and_maps_back() -> None:
    reader = ProcessImageReader(most_stored_pixels=10_000)
    decoded = reader.decode("a.png", written(picture(400, 200)))
    assert decoded.width * decoded.height <= 10_000
    assert decoded.mapping.to_source(decoded.width, decoded.height) == (400, 200)


def test_an_image_is_fitted_to_whole_squares_and_maps_back() -> None:
    decoded = READER.decode("a.jpg", turned_photo(picture(300, 200), 6))
    fitted = READER.fitted(decoded)
    assert (fitted.width, fitted.height) == (196, 308)
    assert shown(fitted.content).size == (196, 308)
    assert fitted.mapping.to_source(0, 0) == (0, 200)
    assert READER.fitted(fitted) is fitted


WHOLE = written(picture(64, 64))
PHOTO = written(picture(64, 64), "JPEG")
WEBP, GIF = written(picture(64, 64), "WEBP"), written(picture(64, 64), "GIF")
SVG_TEXT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TIFF = b"II*\0\x08\0\0\0" + bytes(40)
HOSTILE = {
    "empty": (b"", NOT_AN_IMAGE),
    "text": (b"hello", NOT_AN_IMAGE),
    "html": (b"<!DOCTYPE html><script>alert(1)</script>", NOT_AN_IMAGE),
    "pdf": (b"%PDF-1.7\n", NOT_AN_IMAGE),
    "zip": (b"PK\x03\x04" + bytes(40), NOT_AN_IMAGE),
    "elf": (b"\x7fELF" + bytes(40), NOT_AN_IMAGE),
    "mp4": (b"\0\0\0\x18ftypmp42" + bytes(40), NOT_AN_IMAGE),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run", NOT_AN_IMAGE),
    "imagemagick script": (b"push graphic-context\nfill 'url(https://example.com/x)'", NOT_AN_IMAGE),
    "wave": (b"RIFF\x24\0\0\0WAVEfmt ", NOT_AN_IMAGE),
    "svg": (SVG_TEXT, SVG),
    "svg with a declaration": (b'<?xml version="1.0"?>\n<!-- a -->\n' + SVG_TEXT, SVG),
    "svg with an entity bomb": (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>', SVG),
    "tiff": (TIFF, OTHER_IMAGE),
    "bmp": (b"BM" + bytes(60), OTHER_IMAGE),
    "photoshop": (b"8BPS\0\x01" + bytes(60), OTHER_IMAGE),
    "icon": (b"\0\0\1\0\1\0" + bytes(60), OTHER_IMAGE),
    "avif": (b"\0\0\0\x1cftypavif" + bytes(60), OTHER_IMAGE),
    "png signature alone": (b"\x89PNG\r\n\x1a\n", DAMAGED),
    "png cut in its pixels": (WHOLE[:-40], DAMAGED),
    "png cut in its header": (WHOLE[:20], DAMAGED),
    "png with a wrong checksum": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", WHOLE[16:29], 1) + WHOLE[33:], DAMAGED),
    "png without pixels": (png(64, 64, b""), DAMAGED),
    "png of no width": (png(0, 64, b""), DAMAGED),
    "png of zero bits": (png(8, 8, depth=0), DAMAGED),
    "png of an unknown colour": (png(8, 8, colour=9), DAMAGED),
    "png with a text bomb": (png(8, 8, None, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))), DAMAGED),
    "png of 20,000 x 20,000": (png(20_000, 20_000, b""), LARGE),
    "png of two billion columns": (png(2**31 - 1, 1, b""), LARGE),
    "png of 16,000 x 16,000 that unpacks": (png(16_000, 16_000, bytes(1_000_000)), LARGE),
    "png of one row": (png(16_000, 1), NARROW),
    "jpeg signature alone": (b"\xff\xd8\xff\xe0", DAMAGED),
    "jpeg cut in half": (PHOTO[: len(PHOTO) // 2], DAMAGED),
    "jpeg of 65,535 x 65,535": (PHOTO[: (at := PHOTO.index(b"\xff\xc0") + 5)] + b"\xff\xff\xff\xff" + PHOTO[at + 4 :], LARGE),
    "jpeg whose segment is endless": (b"\xff\xd8\xff\xe0\xff\xff" + b"A" * 100, DAMAGED),
    "gif signature alone": (b"GIF89a", DAMAGED),
    "gif of 65,535 x 65,535": (b"GIF89a\xff\xff\xff\xff" + GIF[10:], LARGE),
    "gif cut in its pixels": (GIF[: len(GIF) // 3], DAMAGED),
    "webp cut in half": (WEBP[: len(WEBP) // 2], DAMAGED),
    "webp of nothing": (b"RIFF\x04\0\0\0WEBP", DAMAGED),
    "webp of 16,384 x 16,384": (b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0", DAMAGED),
    "heic of nothing": (HEIC[:28], DAMAGED),
    "heic cut in its pixels": (HEIC[:500], DAMAGED),
    "heic of 16 x 100,000": (HEIC.replace(struct.pack(">II", 64, 64), struct.pack(">II", 16, 100_000)), DAMAGED),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_words(case: str) -> None:
    content, sentence = HOSTILE[case]
    assert refusal(content, ProcessImageReader(cpu_s=5)) == sentence


@pytest.mark.parametrize(
    "content",
    [WHOLE + b"PK\x03\x04payload", PHOTO + SVG_TEXT + b"payload", GIF + b"/*payload*/=1;", PHOTO + b"%PDF-1.7 payload"],
    ids=["png and zip", "jpeg and svg", "gif and script", "jpeg and pdf"],
)
def test_nothing_but_the_pixels_of_a_polyglot_is_left(content: bytes) -> None:
    decoded = READER.decode("a.png", content)
    assert (decoded.width, decoded.height) == (64, 64)
    assert b"payload" not in decoded.content and b"svg" not in decoded.content


def test_what_takes_too_much_memory_or_time_is_refused() -> None:
    heavy = png(6000, 6000)
    assert refusal(heavy, ProcessImageReader(memory_bytes=120_000_000)) == HEAVY
    assert refusal(heavy, ProcessImageReader(wall_s=0.0)) == HEAVY


def test_where_no_process_can_start_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(Unavailable, match="ask an admin"):
        READER.decode("a.png", WHOLE)
