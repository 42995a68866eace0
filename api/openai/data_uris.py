"""Read the images of requests, which are data URIs."""

from __future__ import annotations

import re
from base64 import b64decode

from core.errors import InvalidInput
from core.inference.requests import ImageInput

_DATA = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)


def image_of(url: str, field: str) -> ImageInput:
    """Return the image of a data URI. Raises InvalidInput for other addresses: the portal fetches none."""
    head = _DATA.match(url[:200])
    if head is None:
        raise InvalidInput(
            "{field} must be a data URI such as data:image/png;base64,..., because the portal fetches no addresses. Send the image itself.",
            field=field,
        )
    return image_of_base64(url[head.end() :], field)


def image_of_base64(data: str, field: str) -> ImageInput:
    """Return the image of base64 text. Raises InvalidInput."""
    try:
        content = b64decode("".join(data.split()), validate=True)
    except ValueError:
        content = b""
    if not content:
        raise InvalidInput("{field} is not base64. Encode the image again.", field=field)
    return ImageInput(content, field)
