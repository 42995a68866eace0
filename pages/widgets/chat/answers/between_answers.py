"""The part between two answers: the foot of the previous answer, the next question, and the reasoning before its answer.

It is one component, because a page of fifty messages must be quick: every element costs about 0.4 ms of script time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from core.chat.conversations import Shown
from core.knowledge.encodings import UTF_8
from core.knowledge.records import StoredFile
from pages.shell.words import language, t
from pages.widgets.chat.answers.encoding_titles import encoding_titles
from pages.widgets.common.formats import size
from pages.widgets.common.script import component

_labels_of_dividers = component("seamLabels", file="transcript.js", html="<i></i>")
_divider = component("seam", file="transcript.js", html="<div class='seam'></div>")


@dataclass(frozen=True, slots=True)
class Footer:
    """The foot of an answer: copy, thumbs, regenerate, versions, figures."""

    answer: Shown
    meta: tuple[str, ...]
    """Figures on one line."""
    details: tuple[tuple[str, str], ...]
    """Names and values of further figures, which a click on the line unfolds."""
    mark: str
    """How the answer ended; "" if it ended normally."""
    again: bool = True
    """Whether the foot offers to regenerate; a failed answer has its own button for that."""
    goes_on: bool = False
    """Whether the answer was cut off and can be continued."""
    rated: bool = True
    """Whether the answer can be rated."""
    accepts: bool = False
    """Whether the reader may accept the answer for the models' replay gate."""


@dataclass(frozen=True, slots=True)
class Thought:
    """The reasoning of an answer. text: the reasoning; running: whether it is still being written."""

    answer_id: str
    label: str
    text: str
    running: bool = False


def divider(
    key: str,
    *,
    footer: Footer | None,
    asked: Shown | None,
    thought: Thought | None,
    free: bool,
    on_event: Callable[[str], None],
) -> None:
    """Draw the part between two answers. `divider_labels` comes before the first.

    free: no answer is running, so questions may be edited and answers regenerated. on_event: called with the component's key, whose
    state then holds `event`, one of
    {"kind": "rate", "message", "rating"}, {"kind": "rating form", "message"}, {"kind": "again" | "go on", "message", "request"},
    where "again" may also have "model" or "thinking",
    {"kind": "edit", "id", "text", "request"}, {"kind": "version", "id"}, {"kind": "pin", "message", "pinned"},
    {"kind": "encoding", "id", "encoding"}, {"kind": "accept", "message"}.
    """
    data: dict[str, Any] = {}
    if footer is not None:
        message = footer.answer.message
        data["bar"] = {
            "id": message.id,
            "text": message.text,
            "rating": message.rating,
            "free": free and footer.again,
            "rated": footer.rated,
            "goesOn": free and footer.goes_on,
            "versions": _versions(footer.answer),
            "meta": footer.meta,
            "details": footer.details,
            "mark": footer.mark,
            "pinned": message.pinned,
            "accepts": footer.accepts,
        }
    if asked is not None:
        data["question"] = {"id": asked.message.id, "text": asked.message.text, "editable": free, "versions": _versions(asked)}
        data["question"]["files"] = [_file(each) for each in asked.message.files]
    if thought is not None:
        data["thought"] = {"id": thought.answer_id, "label": thought.label, "text": thought.text, "running": thought.running}
    # A list: Streamlit searches every value of a mapping for tables.
    _divider(key=key, data=[data], on_event_change=lambda: on_event(key))


def divider_labels(regenerate_choices: Sequence[dict[str, Any]] = ()) -> None:
    """Send what all dividers of the page have in common, once.

    regenerate_choices: the other ways to regenerate, see flow/regenerate_menu.py.
    """
    with st.container(key="zero-seamlabels"):
        _labels_of_dividers(key="seam-labels", data=[_labels(language()), list(regenerate_choices)], height=1)


def _file(file: StoredFile) -> dict[str, str]:
    """Return the data of a file. Its encoding is included if it is not UTF-8, since the user may then want another one."""
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
    """Return the labels, translated once per language."""
    return {
        "actions": t("Actions for this answer"),
        "copy": t("Copy"),
        "copied": t("Copied"),
        "up": t("Good answer"),
        "down": t("Poor answer"),
        "comment": t("Comment on your rating"),
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
