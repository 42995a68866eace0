"""Read boxes from the answer of a vision model.

GLM-V writes `<|begin_of_box|>[[x1, y1, x2, y2]]<|end_of_box|>`, or JSON with `label` and `bbox_2d`, in thousandths of the image. The box
tokens are control tokens, which some servers leave out of the text. Reasoning, code fences and sentences may surround either form, and an
answer that reached its length limit is incomplete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.characters import one_line
from core.grounding.boxes import clipped
from core.grounding.geometry import Edges, from_thousandths
from core.grounding.records import MAX_LABEL, Box
from core.images.records import PixelMapping

MAX_TEXT = 200_000
"""Most characters of an answer that are read."""
MAX_BOXES = 500
_NEAR = 200
"""Number of characters before a box that are searched for its label."""
_BEGIN, _END = "<|begin_of_box|>", "<|end_of_box|>"
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_NUMBER = r"\s*[-+]?\d{1,9}(?:\.\d{1,12})?\s*"
_FOUR = re.compile(rf"[\[(]({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})[\])]")
_LABEL_BEFORE = re.compile(
    r"([^\s\[\](){}<>:;,.\n|*`\"'#-][^\[\](){}<>:;\n|*`\"]{0,120}?)[*`\"']{0,3}\s*[:\uff1a]\s*[*`\"']{0,3}\s*\[?\s*$"
)
_OBJECT = re.compile(r"\{[^{}]{0,4000}\}")
_BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box")
_LABEL_KEYS = ("label", "name", "class", "category", "text")
_CONFIDENCE_KEYS = ("confidence", "score")


ANSWER_GRAMMAR = r"""
root ::= "[" ( box ( "," sp box ){0,49} )? "]"
box ::= "{\"bbox_2d\":" sp "[" edge "," sp edge "," sp edge "," sp edge "]" ( "," sp "\"label\":" sp "\"" letter{0,60} "\"" )? "}"
edge ::= "0" | [1-9] [0-9]{0,2} | "1000"
letter ::= [^"\\\x00-\x1f]
sp ::= " "?
"""
"""GBNF grammar that constrains an answer, if the engine supports it, so that every model gives readable boxes or none."""


@dataclass(frozen=True, slots=True)
class Found:
    """A box as written in the answer, in thousandths of the image."""

    edges: Edges
    label: str = ""
    """The label in the JSON."""
    before: str = ""
    """The text before a box that is not JSON, up to a colon."""
    confidence: float | None = None


def read_answer(text: str, mapping: PixelMapping, *, phrase: int = 0, label: str = "") -> list[Box]:
    """Return the boxes of an answer in pixels of the upright original: in order, clipped to the image, without duplicates.

    label: the label of boxes that have none in JSON.
    """
    boxes: list[Box] = []
    width, height = mapping.upright_size
    for found in found_in(text):
        name = found.label or label or found.before
        edges = from_thousandths(mapping, found.edges)
        box = clipped(edges, width, height, label=name, confidence=found.confidence, phrase=phrase)
        if box is not None and box not in boxes:
            boxes.append(box)
        if len(boxes) == MAX_BOXES:
            break
    return boxes


def found_in(text: str) -> Iterator[Found]:
    """Yield the boxes of an answer, those of JSON objects first. Anything else is skipped."""
    text = _without_thoughts(text[-MAX_TEXT:])
    objects = [found for match in _OBJECT.finditer(text) for found in _of_object(match[0])]
    if objects:
        yield from objects
        return
    last = ""
    end = 0
    for match in _FOUR.finditer(text):
        between = text[max(end, match.start() - _NEAR) : match.start()].replace(_BEGIN, "")
        if (named := _LABEL_BEFORE.search(between)) is not None:
            last = one_line(named[1]).strip()[:MAX_LABEL]
        elif between.replace(_END, "").strip(" \t,[]()") != "":
            last = ""
        yield Found(_edges(match), before=last)
        end = match.end()


def _without_thoughts(text: str) -> str:
    """Remove the reasoning. If the prompt opened it, the answer contains only its end mark."""
    text = _THOUGHTS.sub("", text)
    return text.rpartition("</think>")[2]


def _edges(match: re.Match[str]) -> Edges:
    return (float(match[1]), float(match[2]), float(match[3]), float(match[4]))


def _of_object(written: str) -> Iterator[Found]:
    content = _json(written)
    if content is None:
        return
    value = next((content[key] for key in _BOX_KEYS if key in content), None)
    label = next((content[key] for key in _LABEL_KEYS if isinstance(content.get(key), str)), "")
    confidence = next((number for key in _CONFIDENCE_KEYS if (number := _number(content.get(key))) is not None), None)
    for edges in _boxes(value):
        likely = confidence if confidence is not None and 0 <= confidence <= 1 else None
        yield Found(edges, one_line(str(label)).strip()[:MAX_LABEL], confidence=likely)


def _json(written: str) -> Mapping[str, object] | None:
    """Parse a JSON object, tolerating single quotes and trailing commas; None if it is invalid."""
    for attempt in (written, re.sub(r",\s*([}\]])", r"\1", written), re.sub(r",\s*([}\]])", r"\1", written.replace("'", '"'))):
        try:
            found = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, Mapping) else None
    return None


def _boxes(value: object) -> Iterator[Edges]:
    """Yield one box, or the boxes of a list. Four numbers in a string also count as a box."""
    if isinstance(value, str):
        match = _FOUR.search(value) or _FOUR.search(f"[{value}]")
        if match is not None:
            yield _edges(match)
        return
    if not isinstance(value, list):
        return
    numbers = [_number(each) for each in value]
    if len(numbers) == 4 and None not in numbers:
        yield (numbers[0] or 0.0, numbers[1] or 0.0, numbers[2] or 0.0, numbers[3] or 0.0)
        return
    for each in value[:MAX_BOXES]:
        if isinstance(each, list):
            inner = [_number(one) for one in each]
            if len(inner) == 4 and None not in inner:
                yield (inner[0] or 0.0, inner[1] or 0.0, inner[2] or 0.0, inner[3] or 0.0)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or value != value:
        return None
    return float(value)
