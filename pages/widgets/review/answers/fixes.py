"""What may have fixed a case, and closing the cases with the same question along with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.prompts.blanks import blanks
from core.prompts.records import Share
from core.review.cases.records import ReviewCase
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


@dataclass(frozen=True, slots=True)
class Fix:
    """What asks the question again: a model or preset, or the version of a prompt; neither if nothing can."""

    model: str = ""
    prompt: str = ""


def fixes_by_name(portal: Portal, user: User, case: ReviewCase) -> dict[str, Fix]:
    """Return what may have fixed a case, as the rater reads it."""
    found = {case.fix: Fix(case.fix_model, case.fix_prompt)} if case.fix else {}
    if allows(user, Permission.RUN_MODELS):
        found |= {preset.title or preset.name: Fix(preset.name) for preset in portal.presets.list(user)}
    found |= {f"{model.name} {model.version}".strip(): Fix(model.name) for model in portal.gateway.chat_models(user)}
    for listed in portal.prompts.list(user):
        prompt = listed.prompt
        of_rater = prompt.share is Share.EVERYONE or (prompt.share is Share.GROUP and prompt.group == case.feedback.group)
        fix = Fix(prompt=f"{prompt.id}:{prompt.version}") if of_rater and len(blanks(prompt.text)) < 2 else Fix()
        found.setdefault(t("Prompt {title}, version {n}", title=prompt.title, n=prompt.version), fix)
    return found


def close_alike(portal: Portal, user: User, case: ReviewCase) -> None:
    """Close the open cases with the same question as this one was closed, and say how many those were."""
    try:
        result = portal.case_work.close_alike(user, case.number)
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
        return
    words = t("{n} more cases closed.", n=len(result.changed))
    if result.left:
        number, why = next(iter(result.left.items()))
        words += " " + t("{n} were left as they are. Case {number}: {reason}", n=len(result.left), number=number, reason=error_text(why))
    st.toast(plain(words), icon=":material/check_circle:")
