"""Store markers of changes, name what they are about, and describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from core.changes.records import Change, ChangeMarker
from core.prompts.records import Share
from core.unit_of_work import UnitOfWork

SENTENCES = {
    Change.SWAP: "{model} was swapped to version {version}",
    Change.LOAD: "{model} was loaded",
    Change.UNLOAD: "{model} was unloaded",
    Change.DEFAULT: "{model} became the default",
    Change.CONFIGURATION: "Configuration version {version} was applied",
    Change.PROMPT: "The prompt {model} is at version {version}",
    Change.PRICE: "A new price of {model} applies",
    Change.REPRICE: "Costs of {model} were recomputed from here on",
}
ROLLED_BACK = "The swap of {model} was rolled back to version {version}"
_EXPERIMENTS = {
    "started": "An experiment with {version} in place of {model} began",
    "stopped": "The experiment with {version} in place of {model} ended",
    "promoted": "{version} answers in place of {model}",
}
_PRESETS = {
    "offered": "The preset {model} was offered",
    "changed": "The preset {model} was changed",
    "withdrawn": "The preset {model} was withdrawn",
}



def mark(work: UnitOfWork, at: datetime, change: Change, subject: str, **details: str) -> None:
    """Store a marker in the transaction of the change. subject: the model or preset, the number of the configuration, a prompt's id."""
    work.swaps.mark(ChangeMarker(id=uuid4().hex, at=at, kind=change.value, subject=subject, details=details))


def marked(work: UnitOfWork, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
    """Return the markers in [first, last), oldest first. A prompt has its title, or no name if not everyone sees it any more."""
    found = work.swaps.markers(first, last)
    if not any(each.kind == Change.PROMPT for each in found):
        return found
    titles = {each.id: each.title for each in work.prompts.visible("", "") if each.share is Share.EVERYONE}
    return [replace(each, subject=titles.get(each.subject, "")) if each.kind == Change.PROMPT else each for each in found]


def described(marker: ChangeMarker) -> tuple[str, dict[str, str]] | None:
    """Return the sentence of a change with its fields; None for a kind that this version does not know."""
    try:
        kind = Change(marker.kind)
    except ValueError:
        return None
    version = marker.subject if kind is Change.CONFIGURATION else marker.details.get("to") or marker.details.get("version", "")
    if kind is Change.PRESET:
        sentence = _PRESETS.get(marker.details.get("state", ""), _PRESETS["changed"])
    elif kind is Change.EXPERIMENT:
        sentence = _EXPERIMENTS.get(marker.details.get("state", ""), _EXPERIMENTS["stopped"])
    elif kind is Change.PROMPT and not marker.subject:
        sentence = "A shared prompt was changed"
    elif marker.details.get("state") == "rolled_back":
        sentence, version = ROLLED_BACK, marker.details.get("from", "")
    else:
        sentence = SENTENCES[kind]
    return sentence, {"model": marker.subject, "version": version}
