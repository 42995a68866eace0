"""Help: the guide for one's role. It is read from docs/, so it needs no network."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.words import language, t

PATH = "help"
DOCS = Path(__file__).parents[2] / "docs"
GUIDES = {
    "admins": ("Running the portal", Permission.RUN_MODELS),
    "managers": ("Reading usage and cost", Permission.VIEW_USAGE),
    "reviewers": ("Reviewing answers", Permission.REVIEW_FEEDBACK),
    "analysts": ("Asking and analysing", Permission.CHAT),
    "start": ("First steps", None),
}
"""Each guide's title, and who it is for; a person's own role comes first."""
_PICTURE = re.compile(r"^!\[([^]]*)\]\((?:\.\./)?(screens/[\w-]+\.png)\)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^]]+)\]\([^)]+\)")


def render(user: User) -> None:
    mine = [name for name, (_, needed) in GUIDES.items() if needed is None or allows(user, needed)]
    with st.container(key="narrow", width=760, gap="medium"):
        frame.page_head(t("Help"), key="help")
        chosen: str = st.segmented_control(
            t("Guide"), mine, default=mine[0], required=True, format_func=lambda name: t(GUIDES[name][0]), label_visibility="collapsed",
            key="help-guide",
        )  # fmt: skip
        for text, picture, alternative in _parts(chosen, language()):
            st.markdown(text)
            if picture:
                st.image(DOCS / picture, alt=alternative)


@cache
def _parts(name: str, language_code: str) -> list[tuple[str, str, str]]:
    """Return a guide in pieces: a text, and the picture that follows it with its description.

    Links to other files of docs/ are left as words.
    """
    folder = DOCS / "zh" if language_code == "zh" else DOCS
    text = (folder / f"{name}.md").read_text("utf-8").partition("\n")[2]
    pieces = [*_PICTURE.split(text), "", ""]
    return [(_LINK.sub(r"\1", words), picture, described) for words, described, picture in zip(*(iter(pieces),) * 3, strict=True)]
