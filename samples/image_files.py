"""Make image files, both ordinary and hostile ones."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from io import BytesIO

from PIL import Image

CORNER = 20
"""The side of the red square in the top left corner of `picture`."""
HEIC = b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAFYAAgAAAAACQgABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAKAAAAAEAAAAAAAAAAv///+gAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEA"
    "AQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAIJtZGF0AAAAUigBr1j5IB/8Qa/ghUMDV8V0OrVP9AmB7x7x7Cx6"
    "yJ8qRl1EwlQvK5vOLFCwToFoFf66ghDUu/Cll0Hui/MzXCKkGNwVl2mMcdKlHj9OxKITm0AAAAAGRXhpZgAATU0AKgAAAAgAAQES"
    "AAMAAAABAAYAAAAAAAA="
)
"""`picture(64, 40)`, turned by 90 degrees to the right."""


def picture(width: int, height: int, colour: str = "white") -> Image.Image:
    """Return one colour with a red square in the top left corner."""
    drawn = Image.new("RGB", (width, height), colour)
    drawn.paste((255, 0, 0), (0, 0, CORNER, CORNER))
    return drawn


def written(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return the file of an image."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def shown(content: bytes) -> Image.Image:
    """Return the pixels of a file."""
    image = Image.open(BytesIO(content))
    image.load()
    return image


def turned_photo(image: Image.Image, orientation: int, place: str = "") -> bytes:
    """Return a JPEG with an EXIF orientation, and GPS data if a place is given."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if place:
        exif[0x010E] = place
        exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 3: "W", 4: (0.0, 7.0, 0.0)})
    return written(image, "JPEG", quality=95, exif=exif)


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    """Return a part of a PNG."""
    right = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", right if checksum is None else checksum)


def png(width: int, height: int, rows: bytes | None = None, *others: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG with this header whatever its rows are. others: parts before the pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    packed = zlib.compress(bytes((width + 1) * height) if rows is None else rows)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(others) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
