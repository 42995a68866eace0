"""Regenerate an answer with another model or setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.chat.turn_runner import TurnOptions
from core.inference.records import ServedModel
from pages.shell.words import t
from pages.widgets.chat.composer.composer import model_title


def regenerate_choices(models: Sequence[ServedModel]) -> list[dict[str, Any]]:
    """Return the choices: each model, and thinking on or off if a model can think. Return none if there is only one."""
    found: list[dict[str, Any]] = [{"label": model_title(each, name), "model": name} for each in models for name in each.names]
    if any(each.thinking for each in models):
        found += [{"label": t("With thinking"), "thinking": True}, {"label": t("Without thinking"), "thinking": False}]
    return found if len(found) > 1 else []


def regenerate_options(chosen: TurnOptions, asked: Mapping[str, Any]) -> TurnOptions:
    """Return the composer's options with the requested change: another model or platform, or thinking on or off."""
    if asked.get("model"):
        chosen = replace(chosen, model=str(asked["model"]))
    return replace(chosen, thinking=asked["thinking"]) if isinstance(asked.get("thinking"), bool) else chosen
