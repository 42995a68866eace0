"""What stands between two answers: the foot of the one before, the next question, and the thoughts before its answer.

One component, because a page of fifty messages must be quick: every element costs about 0.4 ms of the script's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.chat.conversations import Shown
from core.knowledge.encodings import UTF_8
from core.knowledge.records import StoredFile
from pages.shell.words import language, t
from pages.widgets.chat.encoding_titles import encoding_titles
from pages.widgets.common.figures import size
from pages.widgets.common.script import component

_seam = component("seam", file="transcript.js", html="<div class='seam'></div>")


@dataclass(frozen=True, slots=True)
class Foot:
    """The foot of an answer: copy, thumbs, regenerate, versions, figures."""

    answer: Shown
    meta: tuple[str, ...]
    """Figures, in one line."""
    details: tuple[tuple[str, str], ...]
    """Further figures with their names, unfolded by a click on the line."""
    mark: str
    """How it ended, where that is not the ordinary way."""
    again: bool = True
    """Whether it offers to regenerate; a failed answer has a button of its own for that."""
    goes_on: bool = False
    """Whether it was cut off, so that it can be continued."""
    rated: bool = True
    """Whether it can be rated."""
    accepts: bool = False
    """Whether the reader may keep it for the replay gate of the models."""


@dataclass(frozen=True, slots=True)
class Thought:
    answer_id: str
    label: str
    text: str
    running: bool = False


def seam(
    key: str,
    *,
    foot: Foot | None,
    asked: Shown | None,
    thought: Thought | None,
    free: bool,
    on_event: Callable[[str], None],
    ways: Sequence[dict[str, Any]] = (),
) -> None:
    """free: no answer is running, so questions may be edited and answers regenerated. ways: in which other ways (see flow/another_way.py).

    `on_event` is called with the component's key, whose state then holds `event`, one of
    {"kind": "rate", "message", "rating"}, {"kind": "say", "message", "rating", "text"}, {"kind": "again" | "go on", "message", "request"},
    the former also with "model" or "thinking",
    {"kind": "edit", "id", "text", "request"}, {"kind": "version", "id"}, {"kind": "pin", "message", "pinned"},
    {"kind": "encoding", "id", "encoding"}, {"kind": "accept", "message"}.
    """
    data: dict[str, Any] = {}
    if foot is not None:
        message = foot.answer.message
        data["bar"] = {
            "id": message.id,
            "text": message.text,
            "rating": message.rating,
            "comment": message.comment,
            "free": free and foot.again,
            "rated": foot.rated,
            "goesOn": free and foot.goes_on,
            "versions": _versions(foot.answer),
            "meta": foot.meta,
            "details": foot.details,
            "mark": foot.mark,
            "pinned": message.pinned,
            "accepts": foot.accepts,
        }
    if asked is not None:
        data["question"] = {"id": asked.message.id, "text": asked.message.text, "editable": free, "versions": _versions(asked)}
        data["question"]["files"] = [_file(each) for each in asked.message.files]
    if thought is not None:
        data["thought"] = {"id": thought.answer_id, "label": thought.label, "text": thought.text, "running": thought.running}
    # A list: Streamlit searches every value of a mapping for tables.
    _seam(key=key, data=[data, _labels(language()), list(ways)], on_event_change=lambda: on_event(key))


def _file(file: StoredFile) -> dict[str, str]:
    """encoding: where the person may want another one, which is where it is not UTF-8."""
    shown = {"id": file.id, "name": file.name, "size": size(file.size_bytes)}
    if file.is_image:
        return shown | {"image": "yes"}
    return shown | {"encoding": file.encoding} if file.encoding not in ("", UTF_8) else shown


def _versions(shown: Shown) -> dict[str, object] | None:
    if len(shown.versions) == 1:
        return None
    return {"at": shown.version, "ids": shown.versions, "of": t("{version} of {total}", version=shown.version, total=len(shown.versions))}


@cache
def _labels(_language: str) -> dict[str, object]:
    """Translated once per language."""
    return {
        "actions": t("Actions for this answer"),
        "copy": t("Copy"),
        "copied": t("Copied"),
        "up": t("Good answer"),
        "down": t("Poor answer"),
        "comment": t("Comment on your rating"),
        "whyGood": t("What was good about it? (optional)"),
        "whyPoor": t("What was wrong with it? (optional)"),
        "sendComment": t("Send comment"),
        "skip": t("Skip"),
        "again": t("Regenerate"),
        "ways": t("Regenerate with another model or setting"),
        "goOn": t("Continue the answer"),
        "pin": t("Pin for the model: always read this turn whole"),
        "unpin": t("Unpin this turn"),
        "accept": t("Accept this answer: compare new versions of the model with it"),
        "details": t("Details"),
        "edit": t("Edit the question"),
        "send": t("Send"),
        "cancel": t("Cancel"),
        "all": t("Show all"),
        "earlier": t("Earlier version"),
        "later": t("Later version"),
        "save": t("Save this file"),
        "readAs": t("Read as"),
        "encodings": encoding_titles(),
    }
