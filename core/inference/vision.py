"""Prepare the images of a request: choose a model that sees, decode and resize each image for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from core.errors import InvalidInput
from core.images.images import Images
from core.images.records import DecodedImage
from core.inference.records import ServedModel, Task
from core.inference.requests import ChatMessage, GenerationRequest, ImageInput
from core.models.records import ModelKind
from core.people.records import User

MAX_IMAGES = 20
"""Most images of one request."""
CACHE_BYTES = 64_000_000
"""Most decoded images that are kept, so that a conversation does not decode its images with each question."""


class Vision:
    """Makes requests with images ready for a model. Safe from any thread."""

    def __init__(self, images: Images | None) -> None:
        """images: decodes them; None: requests with images are refused."""
        self._images = images
        self._lock = threading.Lock()
        self._fitted: OrderedDict[tuple[str, str], ImageInput] = OrderedDict()

    def prepared(self, user: User, request: GenerationRequest) -> GenerationRequest:
        """Return the request with its images decoded, upright and resized for vision models.

        Raises InvalidInput, NotAllowed, and Busy and Unavailable as the reader of images does.
        """
        count = sum(len(message.images) for message in request.messages)
        if not count:
            return request
        if count > MAX_IMAGES:
            raise InvalidInput("A request can have at most {limit} images; this one has {n}.", n=count, limit=MAX_IMAGES)
        task = Task.VISION if request.task is Task.CHAT else request.task
        return replace(request, messages=tuple(self._message(user, each) for each in request.messages), task=task)

    def _message(self, user: User, message: ChatMessage) -> ChatMessage:
        return replace(message, images=tuple(self._image(user, each) for each in message.images)) if message.images else message

    def _image(self, user: User, image: ImageInput) -> ImageInput:
        if image.is_fitted:
            return image
        if self._images is None:
            raise InvalidInput("Images cannot be read here.")
        key = (user.id, sha256(image.content).hexdigest())
        with self._lock:
            if (kept := self._fitted.get(key)) is not None:
                self._fitted.move_to_end(key)
                return kept
        fitted = _input(self._images.fitted(user, self._images.decode(user, image.name or "image", image.content)), image.name)
        with self._lock:
            self._fitted[key] = fitted
            while sum(len(each.content) for each in self._fitted.values()) > CACHE_BYTES:
                self._fitted.popitem(last=False)
        return fitted


def _input(image: DecodedImage, name: str) -> ImageInput:
    return ImageInput(
        content=image.content, name=name, media_type=image.media_type, sha256=image.sha256, width=image.width, height=image.height
    )


def seeing(request: GenerationRequest, served: Sequence[ServedModel], *, named: bool) -> str | None:
    """Return the model for a request with images. served: what the person may use, the default first.

    named: the person chose the model; else the first one that sees takes the place of the default. Raises InvalidInput, which names a
    model that sees.
    """
    chats = [model for model in served if model.kind is ModelKind.CHAT]
    able = [model for model in chats if model.vision]
    asked = next((model for model in chats if request.model in model.names), None) if request.model else next(iter(chats), None)
    if asked is None or asked.vision or (asked.vision is None and asked.platform != "local"):
        return request.model
    if not named and able:
        return able[0].name
    if able:
        names = ", ".join(model.name for model in able[:5])
        raise InvalidInput("The model {model} cannot see images. Choose one that can: {models}.", model=asked.name, models=names)
    raise InvalidInput(
        "The model {model} cannot see images, and no other model here can. Ask an admin for one, or leave the images out.",
        model=asked.name,
    )
