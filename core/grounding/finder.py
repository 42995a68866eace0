"""Find boxes for phrases in the cached results, else with the first model that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from core.clock import Clock
from core.errors import Busy, ModelFailed, NotFound, PortalError, Unavailable
from core.grounding.answers import ANSWER_GRAMMAR, read_answer
from core.grounding.boxes import clipped
from core.grounding.geometry import from_decoded
from core.grounding.records import Box, GroundImage
from core.images.images import Images
from core.images.records import DecodedImage
from core.inference.detection import DetectionRequest, Grounder
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest, ImageInput, SamplingParams
from core.models.records import ModelKind
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

NO_GROUNDER = "No model that finds boxes is loaded. Ask an admin to add a detector, or to load a GLM that sees images."
QUESTION = "Help me to locate {phrase} in the image and give me its bounding boxes."
"""The question that GLM-V was trained with."""
AS_JSON = " Answer with a JSON list, one entry for each: {{\"bbox_2d\": [x1, y1, x2, y2], \"label\": \"...\"}}."
"""Added if a grammar constrains the answer to JSON: a model writes worse boxes if the prompt does not mention the format."""
MAX_TOKENS = 2_048


@dataclass(frozen=True, slots=True)
class Answer:
    """The found boxes, and the model that found them."""

    model: str
    model_version: str
    boxes: tuple[Box, ...]
    cached: bool


class Finder:
    """Finds boxes for phrases on images."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, images: Images, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._images = images
        self._clock = clock

    def grounders(self, user: User) -> Sequence[Grounder]:
        """Return the models and detectors that can find boxes for this person now, in order of preference."""
        return self._gateway.grounders(user).usable

    def find(
        self,
        user: User,
        image: GroundImage,
        content: Callable[[], bytes],
        phrases: Sequence[str],
        model: str | None,
        *,
        refresh: bool = False,
        batch: bool = False,
    ) -> Answer:
        """Find boxes for every phrase. refresh: ignore cached results. batch: run at low priority because no person is waiting.

        Raises NotFound and Unavailable (no model can do it), Busy, ModelFailed, InvalidInput, LimitReached.
        """
        found = self._gateway.grounders(user, model)
        if not found.usable:
            if model is not None and not found.known:
                raise NotFound("There is no model {model} that finds boxes.", model=model[:200])
            if found.left_out:
                raise Unavailable(found.left_out[-1].template, **found.left_out[-1].params)
            raise Unavailable(NO_GROUNDER)
        failed: PortalError | None = None
        for grounder in found.usable:
            try:
                return self._by(grounder, user, image, content, phrases, refresh=refresh, batch=batch)
            except (Busy, ModelFailed, Unavailable) as problem:
                failed = problem
        assert failed is not None
        raise failed

    def _by(
        self,
        grounder: Grounder,
        user: User,
        image: GroundImage,
        content: Callable[[], bytes],
        phrases: Sequence[str],
        *,
        refresh: bool,
        batch: bool,
    ) -> Answer:
        keys = {phrase: result_key(image, phrase, grounder) for phrase in phrases}
        cached = {} if refresh else self._cached(keys)
        missing = [phrase for phrase in phrases if phrase not in cached]
        if missing:
            ask = self._ask_detector if grounder.kind is ModelKind.DETECTION else self._ask_model
            fresh = ask(grounder, user, image, content(), missing, batch)
            with self._unit_of_work() as work:
                for phrase, boxes in fresh.items():
                    work.grounding.put_result(keys[phrase], boxes, self._clock())
                work.commit()
            cached = {**cached, **fresh}
        boxes = tuple(replace(box, phrase=number) for number, phrase in enumerate(phrases) for box in cached[phrase])
        return Answer(model=grounder.name, model_version=grounder.version, boxes=boxes, cached=not missing)

    def _cached(self, keys: Mapping[str, str]) -> dict[str, tuple[Box, ...]]:
        with self._unit_of_work() as work:
            results = work.grounding.results(list(keys.values()))
        return {phrase: results[key] for phrase, key in keys.items() if key in results}

    def _ask_detector(
        self, grounder: Grounder, user: User, image: GroundImage, content: bytes, phrases: Sequence[str], batch: bool
    ) -> dict[str, tuple[Box, ...]]:
        request = DetectionRequest(
            image=content,
            media_type=image.media_type,
            width=image.mapping.width,
            height=image.mapping.height,
            phrases=tuple(phrases),
            user_id=user.id,
            model=grounder.name,
            batch=batch,
        )
        found: dict[str, list[Box]] = {phrase: [] for phrase in phrases}
        for each in self._gateway.detect(user, request).boxes:
            phrase = phrases[each.phrase]
            edges = from_decoded(image.mapping, each.edges)
            box = clipped(edges, image.width, image.height, label=each.label or phrase, confidence=each.confidence)
            if box is not None and box not in found[phrase]:
                found[phrase].append(box)
        return {phrase: tuple(boxes) for phrase, boxes in found.items()}

    def _ask_model(
        self, grounder: Grounder, user: User, image: GroundImage, content: bytes, phrases: Sequence[str], batch: bool
    ) -> dict[str, tuple[Box, ...]]:
        """Ask for one phrase after another, so that all requests share the image as their prefix."""
        seen = self._images.fitted(
            user, DecodedImage(content=content, media_type=image.media_type, sha256=image.sha256, mapping=image.mapping)
        )
        picture = ImageInput(
            content=seen.content, name=image.name, media_type=seen.media_type, sha256=seen.sha256, width=seen.width, height=seen.height
        )
        found = {}
        question, grammar = (QUESTION + AS_JSON, ANSWER_GRAMMAR) if grounder.here else (QUESTION, None)
        for phrase in phrases:
            message = ChatMessage(ChatRole.USER, question.format(phrase=phrase), images=(picture,))
            request = GenerationRequest(
                messages=(message,),
                user_id=user.id,
                model=grounder.name,
                params=SamplingParams(temperature=0.0, max_tokens=MAX_TOKENS, grammar=grammar),
                thinking=False,
                batch=batch,
                task=Task.GROUND,
            )
            answer = self._gateway.answer(user, request, Source.GROUNDING)
            text = "".join(each.text for each in self._gateway.recorded(answer) if isinstance(each, Delta))
            found[phrase] = tuple(read_answer(text, seen.mapping, label=phrase))
        return found


def result_key(image: GroundImage, phrase: str, grounder: Grounder) -> str:
    """Return the key of a cached result. It changes with the image, the phrase, the model and its version."""
    size = f"{image.mapping.source_width}x{image.mapping.source_height}"
    parts = (image.sha256, size, phrase, grounder.name, grounder.version, *(["json"] if grounder.here else []))
    return sha256("\0".join(parts).encode()).hexdigest()


